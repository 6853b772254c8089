"""Where sound comes from: a file, read block by block, or an array with its rate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.answers import Rejected
from zoo.kinds.kind import Unusable
from zoo.kinds.recording_decoding import read_recording, recording_blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def sound_blocks(source: Any, rate: int) -> Iterator[NDArray[np.float32]]:
    """The samples of a recording, as one channel; of a file no more than some seconds are in memory.

    Args:
        source: as `zoo.read_recording` takes it.
        rate: samples a second to convert it to.

    Raises:
        Unusable: when it is iterated, saying why it cannot be read any further.
    """
    if isinstance(source, str | os.PathLike):
        yield from recording_blocks(source, rate)
        return
    samples = read_recording(source, rate)
    if isinstance(samples, Rejected):
        raise Unusable(samples.reason)
    yield samples
