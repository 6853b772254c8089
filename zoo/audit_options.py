"""How a model is audited: by which attacks its training rows are looked for."""

from __future__ import annotations

from typing import Annotated

from zoo.errors import OptionInvalid
from zoo.options import Options, option

FEWEST_SHADOWS = 4


class AuditOptions(Options, frozen=True, kw_only=True):
    """How a model is audited."""

    shadows: Annotated[
        int,
        option(
            "Models that are trained as this one was, each on half of the rows, for the stronger attack (LiRA, Carlini "
            "et al. 2022): an even number, from 4 on. 0 makes do with the losses of the model (Yeom et al. 2018).",
            ge=0,
            le=256,
        ),
    ] = 0

    def check(self) -> None:
        """Two shadows share the rows between them, and how far a row varies takes two such pairs."""
        if self.shadows % 2 or 0 < self.shadows < FEWEST_SHADOWS:
            raise OptionInvalid(
                f"--shadows is {self.shadows}, but each row is in one of two halves, twice at least",
                f"an even number from {FEWEST_SHADOWS} on, or 0 for none",
            )
