"""How a model is made smaller: what is tried, and what a smaller one must keep."""

from __future__ import annotations

from typing import Annotated, Literal

from zoo.errors import OptionInvalid
from zoo.options import Options, option
from zoo.suggestions import did_you_mean

FORMATS = {
    "bf16": "16 bits a weight, computed in bf16",
    "int8": "8 bits a weight, a scale for each output",
    "int8-tensor": "8 bits a weight, a scale for each matrix",
    "int4": "4 bits a weight, a scale for each 32 of them",
}
"""What weights can be kept in, from the largest to the smallest, in words; all but the first are computed in int8."""
ORIGINAL = "original"
"""What stands for the model as it is, beside these."""


class ShrinkOptions(Options, frozen=True, kw_only=True):
    """How a model is made smaller."""

    formats: Annotated[
        str, option(f"What is tried, commas between: {', '.join(FORMATS)}. All of them if not given.")
    ] = ""
    metric: Annotated[
        str, option("The figure that must not drop; the one that its task is judged by if not given.")
    ] = ""
    max_drop: Annotated[
        float,
        option(
            "The most that the figure may drop: the whole 95% interval of the drop must stay within it.", gt=0, le=1e6
        ),
    ] = 0.01
    target: Annotated[
        Literal["size", "latency"],
        option("Which of those that keep the figure is taken: the smallest, or the one that answers soonest."),
    ] = "size"
    stored_answers: Annotated[
        int | None,
        option(
            "Answers that are kept in the model folder with their inputs, rows of the data, to be compared on other "
            "machines; 0 keeps none. Auto is 64, and none where the model or one before it learnt with --private.",
            ge=0,
            le=10_000,
        ),
    ] = None

    @property
    def candidates(self) -> tuple[str, ...]:
        """The formats that are tried, the largest first."""
        named = {name.strip() for name in self.formats.split(",") if name.strip()}
        return tuple(name for name in FORMATS if name in named) if named else tuple(FORMATS)

    def check(self) -> None:
        """Each format must be one."""
        for name in filter(None, map(str.strip, self.formats.split(","))):
            if name not in FORMATS:
                hint = did_you_mean(name, FORMATS, f"it takes {', '.join(FORMATS)}")
                raise OptionInvalid(f"--formats has {name!r}, which is none", hint)
