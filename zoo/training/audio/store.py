"""The recordings of a run, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.answers import Rejected
from zoo.kinds.kind import Unusable
from zoo.kinds.recording_decoding import recording_blocks
from zoo.plurals import counted
from zoo.training.media_store import Decoded, MediaRoom, MediaStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.runs.context import TrainingRun

    Array = NDArray[np.float32]


class RecordingStore(MediaStore["Array"]):
    """What a network sees of recordings, as numbers of 16 bits.

    Args:
        run: as for any store.
        rate: samples a second that recordings are converted to.
        prepare: from samples (samples,) to what the network sees, (frames, ...); always to the same numbers.
        room: likewise.
    """

    def __init__(
        self,
        run: TrainingRun,
        *,
        rate: int,
        prepare: Callable[[Array], Array],
        room: MediaRoom | None = None,
    ) -> None:
        super().__init__(run, room=room)
        self._rate, self._prepare = rate, prepare
        self._noted_rates = False

    def add(self, paths: Sequence[str]) -> list[int | Rejected]:
        """Decode recordings, and note once that some are at another rate than the network hears; errors as usual."""
        numbers = super().add(paths)
        rates = [self.original_shape(number) for number in numbers if isinstance(number, int)]
        converted = sum(rate != (self._rate,) for rate in rates)
        if converted and not self._noted_rates:
            self._noted_rates = True
            recordings = counted(converted, "recording", "are")
            self._run.note(f"{recordings} converted to the {self._rate:,} samples a second that the model hears")
        return numbers

    def decode(self, path: str) -> Decoded | Rejected:
        """Prepared."""
        rates: list[int] = []
        try:
            samples = np.concatenate(list(recording_blocks(path, self._rate, rates.append)))
        except Unusable as error:
            return Rejected(str(error))
        prepared = self._prepare(samples)
        return Decoded(prepared.astype(np.float16).tobytes(), prepared.shape, tuple(rates))

    def restored(self, content: bytes, shape: tuple[int, ...]) -> Array:
        """The numbers."""
        return np.frombuffer(content, np.float16).reshape(shape).astype(np.float32)
