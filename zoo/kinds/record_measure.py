"""What an inspection measures of inputs that are made of several."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.answers import Rejected
from zoo.kinds.facts import ModelLimits
from zoo.kinds.input_kind import InputKind
from zoo.kinds.measure import Measurement

if TYPE_CHECKING:
    from zoo.data.report import Part


class RecordMeasure:
    """The measures of the kinds of the parts; parts of one kind are measured together.

    Args:
        roles: what each part is.
        base: the folder that files are named from.
        limits: of the model that they are for.
    """

    def __init__(self, roles: Mapping[str, InputKind], base: Path, limits: ModelLimits) -> None:
        self._roles = roles
        self._measures = {kind: kind.measure(base, limits) for kind in roles.values()}
        self.threads = any(measure.threads for measure in self._measures.values())

    def cell(self, row: int, value: str) -> None:
        """Let all of them take note."""
        for measure in self._measures.values():
            measure.cell(row, value)

    def look(self, value: Mapping[str, Any]) -> Measurement | Rejected:
        """Records are the same where all of their parts are."""
        measurements: list[Measurement] = []
        for role, kind in self._roles.items():
            measurement = self._measures[kind].look(value[role])
            if isinstance(measurement, Rejected):
                return Rejected(f"{role}: {measurement.reason}")
            measurements.append(measurement)
        keys, names, details = zip(*measurements, strict=True)
        return Measurement(hashlib.sha256(b"".join(keys)).digest(), ", ".join(filter(None, names)), list(details))

    def add(self, parts: list[Any]) -> None:
        """Add each part."""
        for kind, part in zip(self._roles.values(), parts, strict=True):
            self._measures[kind].add(part)

    def complete(self, part: Part) -> Part:
        """With what all of them found."""
        for measure in self._measures.values():
            part = measure.complete(part)
        return part
