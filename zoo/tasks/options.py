"""The options that the tasks of zoo bring; a task names its sets, and others may use them, too."""

from __future__ import annotations

import math
from typing import Annotated

from zoo.errors import OptionInvalid
from zoo.options import Options, option


class ClassWeightOptions(Options, frozen=True, kw_only=True):
    """Options of learning one of several classes."""

    class_weights: Annotated[
        str,
        option("Weight of each class in the loss: none, auto (inverse frequency) or name=weight,name=weight."),
    ] = "none"

    def check(self) -> None:
        """What weighs the classes can be read, whatever they are."""
        named_weights(self.class_weights)


def named_weights(class_weights: str) -> tuple[tuple[str, float], ...]:
    """Names and weights of `name=weight,name=weight`; empty for none and auto.

    Raises:
        OptionInvalid: a weight is no number from 0.
    """
    if class_weights in ("none", "auto"):
        return ()
    weights = []
    for part in class_weights.split(","):
        name, _, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = -1.0
        if not name.strip() or not 0 <= weight < math.inf:
            raise OptionInvalid(
                f"--class-weights has {part!r}, but takes none, auto or name=weight,name=weight",
                "a weight is a number from 0: 2 lets a class count twice",
            )
        weights.append((name.strip(), weight))
    return tuple(weights)
