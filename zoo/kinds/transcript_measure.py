"""What an inspection measures of transcripts, and says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.answers import Rejected
from zoo.kinds.facts import Finding, SpokenRow, TranscriptFacts
from zoo.normalizers import DEFAULT, normalized
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part

FASTEST, SLOWEST = 25.0, 0.5
"""Letters a second: who is listened to says 10 to 18, the fastest some 25; below the other most is silence."""
_SHOWN = 60


class TranscriptMeasure:
    """Words, characters as they are learnt, and letters a second of the recordings.

    Args:
        letters: that the model can write; empty where they are not known.
    """

    def __init__(self, letters: frozenset[str]) -> None:
        self._letters = letters
        self._words = self._transcripts = self._fast = self._slow = 0
        self._first_fast = self._first_slow = SpokenRow()
        self._characters: Counter[str] = Counter()

    def add(self, row: int, target: str, value: Any) -> None:
        """Measure one more."""
        from zoo.kinds.recording_decoding import hear

        text = normalized(target, DEFAULT)
        self._transcripts += 1
        self._words += len(text.split())
        self._characters.update(text.replace(" ", ""))
        heard = hear(value) if isinstance(value, str) else None
        if heard is None or isinstance(heard, Rejected):
            return
        rate = len(text) / heard.seconds
        spoken = SpokenRow(row, rate)
        if rate > FASTEST:
            self._fast, self._first_fast = self._fast + 1, self._first_fast if self._fast else spoken
        elif rate < SLOWEST:
            self._slow, self._first_slow = self._slow + 1, self._first_slow if self._slow else spoken

    def complete(self, part: Part) -> Part:
        """With what was measured, where there is any."""
        if not self._transcripts:
            return part
        facts = TranscriptFacts(
            words=self._words,
            characters=dict(sorted(self._characters.items(), key=lambda item: (-item[1], item[0]))),
            fast=self._fast,
            first_fast=self._first_fast,
            slow=self._slow,
            first_slow=self._first_slow,
            unwritten=tuple(sorted(self._characters.keys() - self._letters)) if self._letters else (),
        )
        return msgspec.structs.replace(part, transcripts=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How many words, of which characters."""
    transcripts = part.transcripts
    if transcripts:
        characters = "".join(sorted(transcripts.characters))
        shown = characters if len(characters) <= _SHOWN else f"{characters[:_SHOWN]}..."
        yield (
            "words",
            f"{transcripts.words:,}; spelled without case and punctuation in {len(characters)} characters: {shown}",
        )


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Rates that cannot be right, characters that the model lacks, and those that only the evaluation data have."""
    for part in (inspection.train, inspection.eval):
        if part and part.transcripts:
            yield from _of_rates(part, part.transcripts)
            yield from _of_letters(part, part.transcripts)
    train, evaluation = inspection.train.transcripts, inspection.eval.transcripts if inspection.eval else None
    if train and evaluation and (strange := sorted(set(evaluation.characters) - set(train.characters))):
        assert inspection.eval is not None
        yield Finding(
            "warning",
            f"{inspection.eval.path} has characters that {inspection.train.path} has not, so that nothing learns to "
            f"write them: {' '.join(strange)}",
        )


def _of_letters(part: Part, transcripts: TranscriptFacts) -> Iterator[Finding]:
    if transcripts.unwritten:
        shown = " ".join(transcripts.unwritten[:_SHOWN]) + (" ..." if len(transcripts.unwritten) > _SHOWN else "")
        yield Finding(
            "warning",
            f"{part.path} has characters that the model has no letter for: {shown}; it cannot write them as it is, and "
            "fine-tuned on them it learns all letters anew",
        )


def _of_rates(part: Part, transcripts: TranscriptFacts) -> Iterator[Finding]:
    if transcripts.fast:
        yield Finding(
            "warning",
            f"{part.path}: {counted(transcripts.fast, 'transcript', 'have')} more letters than anybody can say in the "
            f"time; the first is row {transcripts.first_fast.row}, {transcripts.first_fast.rate:.0f} a second: is it "
            "the text of another recording, or is the recording cut?",
        )
    if transcripts.slow:
        yield Finding(
            "warning",
            f"{part.path}: {counted(transcripts.slow, 'transcript', 'have')} hardly a letter in a second; the first "
            f"is row {transcripts.first_slow.row}, {transcripts.first_slow.rate:.2f}: is most of it silence, or is the "
            "text cut?",
        )
