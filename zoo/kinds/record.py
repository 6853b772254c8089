"""Several inputs a row, each in a column of its own: two texts to compare, an image and a question about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.errors import DatasetInvalid
from zoo.kinds.input_kind import InputKind
from zoo.kinds.kind import Unusable
from zoo.kinds.text import text_key
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure
    from zoo.kinds.samples import SampleSet


class Record(InputKind):
    """Inputs by their roles; a value is a dict of each role to a value of its kind.

    Args:
        name: for one of them, in a person's words; an `s` makes it several.
        **roles: what each part is.
    """

    def __init__(self, name: str, **roles: InputKind) -> None:
        kinds = roles.values()
        self.name, self._roles = name, roles
        self.columns = tuple(roles)
        self.from_files = any(kind.from_files for kind in kinds)
        self.singular = f"a {name}"
        self.cell = " and ".join(kind.cell for kind in kinds)
        self.example = " ".join(kind.example for kind in kinds)
        self.example_data = f"{name}s.csv"
        self.data_advice = f"a table with a column for each of {', '.join(roles)}"

    @property
    def roles(self) -> Mapping[str, InputKind]:
        """The parts."""
        return self._roles

    def joined(self, parts: Sequence[Any]) -> dict[str, Any]:
        """The parts by their roles."""
        return dict(zip(self._roles, parts, strict=True))

    def parse(self, text: str, column: str, base: Path) -> str:
        """Nothing: each part has a column of its own."""
        raise Unusable(f"column {column} holds one value, not {self.singular}")

    def digests(self, inputs: Iterable[Mapping[str, Any]]) -> list[str]:
        """The sha256 of all parts."""
        values = list(inputs)
        parts = [self._keys(kind, [value[role] for value in values]) for role, kind in self._roles.items()]
        return [hashlib.sha256(b"".join(keys)).hexdigest() for keys in zip(*parts, strict=True)]

    @staticmethod
    def _keys(kind: InputKind, values: Sequence[Any]) -> list[bytes]:
        pairs = zip(kind.digests(values), values, strict=True)
        return [bytes.fromhex(digest) if digest else text_key(value) for digest, value in pairs]

    def expand(self, words: Iterable[str]) -> list[dict[str, Any]]:
        """As many words as there are roles are one, in their order; or each word is one, as an object of JSON."""
        parts, roles = list(words), len(self._roles)
        objects = [record for part in parts if (record := self._of_object(part)) is not None]
        if len(objects) == len(parts):
            return objects
        if len(parts) % roles:
            raise DatasetInvalid(
                f"{counted(len(parts), 'input')} given, but {self.singular} takes {roles}: {', '.join(self._roles)}",
                f"name them in this order, such as {self.example}",
            )
        return [self.joined(parts[start : start + roles]) for start in range(0, len(parts), roles)]

    def typed(self, text: str) -> dict[str, Any]:
        """The parts, with a tab or the end of a line between them; or an object of JSON with the roles as keys."""
        parts = self.typed_words(text)
        if len(parts) != len(self._roles):
            names = ", ".join(self._roles)
            raise Unusable(
                f"{counted(len(parts), 'part')} where {self.singular} has {len(self._roles)} ({names}): put a tab "
                f"or the end of a line between them, or write an object of JSON with the keys {names}"
            )
        return self.joined(parts)

    def typed_words(self, text: str) -> list[str]:
        """The parts, as `typed` tells them apart."""
        record = self._of_object(text)
        return text.strip("\r\n").replace("\n", "\t").split("\t") if record is None else list(record.values())

    def from_python(self, value: Any) -> Any:
        """A tuple or list of as many parts as there are roles is one, in their order."""
        if not isinstance(value, tuple | list) or len(value) != len(self._roles):
            return value
        return value if any(isinstance(part, Mapping | tuple | list) for part in value) else self.joined(value)

    def _of_object(self, text: str) -> dict[str, Any] | None:
        """The parts that an object of JSON has by their roles; None where a text is none, or has other keys."""
        if not text.lstrip().startswith("{"):
            return None
        try:
            value = msgspec.json.decode(text, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeError):
            return None
        return {role: value[role] for role in self._roles} if value.keys() == self._roles.keys() else None

    def display_text(self, value: Any) -> str:
        """The parts, one after another."""
        return " | ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)

    def likeness(self, cells: list[Any]) -> float:
        """0: no column holds one."""
        return 0.0

    def measure(self, base: Path, limits: ModelLimits) -> Measure:
        """What is measured of the parts; those of one kind together."""
        from zoo.kinds.record_measure import RecordMeasure

        return RecordMeasure(self._roles, base, limits)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """Those of the kinds of the parts."""
        for kind in dict.fromkeys(self._roles.values()):
            yield from kind.facts(part)

    def findings(self, part: Part) -> Iterator[Finding]:
        """Those of the kinds of the parts."""
        for kind in dict.fromkeys(self._roles.values()):
            yield from kind.findings(part)

    def samples(self, folder: Path, longest: int) -> SampleSet:
        """Parts that are of the same label."""
        from zoo.kinds.record_samples import RecordSamples

        return RecordSamples(self._roles, folder, longest)

    def file_of(self, value: Mapping[str, Any], table: str) -> str:
        """The file of the first part that is in a file of its own."""
        return next((value[role] for role, kind in self._roles.items() if kind.from_files), table)

    def from_anywhere(self, value: Any) -> Any:
        """With each part for a process that stands in another folder."""
        if not isinstance(value, Mapping):
            return value
        return {
            role: self._roles[role].from_anywhere(part) if role in self._roles else part for role, part in value.items()
        }
