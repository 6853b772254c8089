"""How a model is made smaller: what is tried, and what a smaller one must keep."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Literal

from zoo.errors import OptionInvalid, Unsupported
from zoo.options import Options, option
from zoo.plurals import name_list
from zoo.suggestions import did_you_mean

FORMATS = {
    "bf16": "16 bits a weight, computed in bf16",
    "int8": "8 bits a weight, a scale for each output",
    "int8-tensor": "8 bits a weight, a scale for each matrix",
    "int4": "4 bits a weight, a scale for each 32 of them",
    "onnx-int8": "8 bits a weight, a scale for each output, as a network for ONNX Runtime",
}
"""What weights can be kept in, in words; all but the first are computed in int8."""
ONNX = "onnx-int8"
"""The one that takes packages of its own, and is tried if it is named."""
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
PRUNED = "pruned"
"""What is called so: the model without a part of its layers."""
ORIGINAL = "original"
"""What stands for the model as it is, beside these."""


class ShrinkOptions(Options, frozen=True, kw_only=True):
    """How a model is made smaller."""

    formats: Annotated[
        str, option(f"What is tried, commas between: {', '.join(FORMATS)}. All but the last if not given.")
    ] = ""
    into: Annotated[
        str,
        option(
            "A smaller model, or several with commas between, to be trained on the answers of this one (Hinton et al. "
            "2015) and tried, too, as it is and, where --formats has it, in int8."
        ),
    ] = ""
    prune: Annotated[
        float,
        option(
            "Share of the feed-forward units, and of the attention heads where a configuration can say so, that are "
            "taken out of each layer of a transformer, which is fine-tuned after and tried, too; 0 prunes nothing.",
            ge=0,
            lt=1,
        ),
    ] = 0.0
    train: Annotated[
        str,
        option(
            "What a smaller network learns from: a file or folder, with or without labels; what the model learnt from "
            "if not given. Rows of --data are left out.",
            file=True,
        ),
    ] = ""
    train_epochs: Annotated[
        float | None,
        option("Passes over it; auto is as for zoo finetune.", gt=0, le=10_000, unit="epochs", advanced=True),
    ] = None
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
        named = {name.strip() for name in self.formats.split(",") if name.strip()} or FORMATS.keys() - {ONNX}
        return tuple(name for name in FORMATS if name in named)

    @property
    def students(self) -> tuple[str, ...]:
        """Names of the models that are trained to take its place."""
        return tuple(dict.fromkeys(name.strip() for name in self.into.split(",") if name.strip()))

    @property
    def trains(self) -> bool:
        """Whether anything is trained."""
        return bool(self.students or self.prune)

    def check(self) -> None:
        """Each format must be one, and what is said of a training must be of one."""
        for flag, value in (("--train", self.train), ("--train-epochs", self.train_epochs)):
            if value and not self.trains:
                raise OptionInvalid(
                    f"{flag} is about a network that is trained, and there is none",
                    "name one: --into MODEL, or --prune 0.5",
                )
        for name in filter(None, map(str.strip, self.formats.split(","))):
            if name not in FORMATS:
                hint = did_you_mean(name, FORMATS, f"it takes {', '.join(FORMATS)}")
                raise OptionInvalid(f"--formats has {name!r}, which is none", hint)

    def check_packages(self) -> None:
        """Insist on what is to be tried being installed, where it is tried: options that are read again say what was.

        Raises:
            Unsupported: a package is missing.
        """
        missing = [name for name in _PACKAGES if ONNX in self.candidates and find_spec(name) is None]
        if missing:
            raise Unsupported(
                f"--formats {ONNX} needs {name_list(tuple(missing))}, not installed here",
                "pip install 'zoo-models[onnx]'",
            )
