"""Recordings in characters: a waveform, and a spectrogram below it, from the beginning to the end."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.answers import Rejected
from zoo.blocks import Sound
from zoo.kinds.kind import Unusable
from zoo.rendering.cells import HALF, PictureCell, PictureCells
from zoo.rendering.colours import Colour

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NOT_AT_HAND = "the recording is not at hand"
NO_SOUNDFILE = "soundfile is not installed, which reads recordings: pip install 'zoo-models[audio]'"
RATE = 16_000
"""In Hz; what is above half of it is not drawn."""
STEP, WINDOW = 80, 512
"""Samples from one moment to the next, and of the part whose spectrum is taken."""
MOST_MOMENTS = 4096
"""Kept of a recording; of a longer one, two neighbours become one."""
RANGE_DB = 60.0
"""Powers that far below the greatest are drawn as nothing."""
SILENT = 1e-4
"""Level up to which nothing is drawn."""
WAVE: Colour = (76, 139, 245)
HEAT: tuple[Colour, ...] = ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191))
"""From nothing to the greatest power: magma, of matplotlib."""
_WAVE_BLOCKS = {(False, False): " ", (True, False): HALF, (False, True): "▄", (True, True): "█"}
MIDDLE = "─"
_SHADES = " ░▒▓█"


class Levels(NamedTuple):
    """How loud a recording is, moment by moment."""

    peaks: Floats
    """Greatest level of each, of at most 1, shape (moments,)."""
    powers: Floats
    """Of each frequency, from 0 to half of `RATE`, shape (moments, WINDOW // 2 + 1)."""


def sound_cells(block: Sound, columns: int, lines: int, *, colours: bool = True) -> PictureCells | Rejected:
    """A recording over the whole width, its waveform in the upper third; or why it cannot be drawn.

    Args:
        block: names the file.
        columns: of the terminal.
        lines: likewise; a single one shows the waveform.
        colours: whether they can be seen; else the spectrogram is in shades of the terminal's own colour.
    """
    levels = read_levels(block)
    if isinstance(levels, Rejected):
        return levels
    wave_lines = lines // 3 | 1  # an odd number of lines has a middle
    wave = _wave(_spread(levels.peaks, columns), wave_lines)
    if lines == wave_lines:
        return wave
    heat = _heat(levels, columns, 2 * (lines - wave_lines))
    return wave + (_coloured(heat) if colours else _shaded(heat))


def read_levels(block: Sound) -> Levels | Rejected:
    """How loud it is at each moment, in memory that does not grow with it; or why it cannot be read."""
    if not block.recording:
        return Rejected(NOT_AT_HAND)
    try:
        import numpy as np

        from zoo.kinds.recording_decoding import recording_blocks

        peaks, powers = np.zeros(0, np.float32), np.zeros((0, WINDOW // 2 + 1), np.float32)
        step, rest = STEP, np.zeros(0, np.float32)
        for samples in recording_blocks(Path(block.recording).expanduser(), RATE):
            pending = np.concatenate([rest, samples])
            whole = len(pending) // step * step
            peaks, powers = _with_moments(peaks, powers, pending[:whole], step)
            rest = pending[whole:]
            while len(peaks) > MOST_MOMENTS:
                peaks, powers, step = peaks[: len(peaks) // 2 * 2], powers[: len(powers) // 2 * 2], step * 2
                peaks, powers = peaks.reshape(-1, 2).max(1), powers.reshape(len(peaks) // 2, 2, -1).mean(1)
        if not len(peaks):
            peaks, powers = _with_moments(peaks, powers, np.pad(rest, (0, step - len(rest))), step)
        return Levels(peaks, powers)
    except ImportError:
        return Rejected(NO_SOUNDFILE)
    except Unusable as error:
        return Rejected(str(error))


def _with_moments(peaks: Floats, powers: Floats, samples: Floats, step: int) -> tuple[Floats, Floats]:
    """Those of further samples behind them; a spectrum is taken at the beginning of each moment."""
    import numpy as np

    if not len(samples):
        return peaks, powers
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, WINDOW)), WINDOW)[: len(samples) : step]
    spectra = np.abs(np.fft.rfft(windows * np.hanning(WINDOW).astype(np.float32))) ** 2
    return (
        np.concatenate([peaks, np.abs(samples).reshape(-1, step).max(1)]),
        np.concatenate([powers, spectra.astype(np.float32)]),
    )


def _spread(values: Floats, columns: int) -> Floats:
    """The greatest of the moments that fall into each column; a moment fills several where there are few."""
    import numpy as np

    edges = [column * len(values) // columns for column in range(columns + 1)]
    spread: Floats = np.stack([values[first : max(first + 1, last)].max(0) for first, last in pairwise(edges)])
    return spread


def _wave(peaks: Floats, lines: int) -> PictureCells:
    """Above and below a middle, as far as the loudest moment reaches the edges."""
    import numpy as np

    loudest = float(peaks.max())
    heights = np.rint(peaks / loudest * lines) if loudest > SILENT else np.zeros(len(peaks))
    rows = [(heights > abs(row + 0.5 - lines)).tolist() for row in range(2 * lines)]
    texts = [
        [_WAVE_BLOCKS[halves] for halves in zip(rows[row], rows[row + 1], strict=True)]
        for row in range(0, 2 * lines, 2)
    ]
    texts[lines // 2] = [MIDDLE if text == " " else text for text in texts[lines // 2]]
    return tuple(tuple(PictureCell(text, WAVE) for text in line) for line in texts)


def _heat(levels: Levels, columns: int, rows: int) -> Any:
    """Powers in decibels, as 0 to 1, shape (rows, columns); the highest pitch first, on the scale of mel."""
    import numpy as np

    powers = _spread(levels.powers, columns)
    if float(levels.peaks.max()) <= SILENT:
        return np.zeros((rows, columns))
    bins = np.arange(powers.shape[1]) * RATE / WINDOW
    mel = np.log1p(bins / 700)
    edges = [*np.searchsorted(mel, np.linspace(0, mel[-1], rows + 1)[:-1]).tolist(), len(mel)]
    bands = [powers[:, low : max(low + 1, high)].max(1) for low, high in pairwise(edges)]
    decibels = 10 * np.log10(np.maximum(np.stack(bands[::-1]), 1e-20))
    return np.clip((decibels - decibels.max()) / RANGE_DB + 1, 0, 1)


def _coloured(heat: Any) -> PictureCells:
    import numpy as np

    stops = np.linspace(0, 1, len(HEAT))
    pixels = np.stack([np.interp(heat, stops, channel) for channel in zip(*HEAT, strict=True)], -1).round().astype(int)
    rows = pixels.tolist()
    return tuple(
        tuple(
            PictureCell(HALF, tuple(upper), tuple(lower)) for upper, lower in zip(rows[row], rows[row + 1], strict=True)
        )
        for row in range(0, len(rows), 2)
    )


def _shaded(heat: Any) -> PictureCells:
    import numpy as np

    shades = np.minimum((heat[::2] + heat[1::2]) / 2 * len(_SHADES), len(_SHADES) - 1).astype(int)
    return tuple(tuple(PictureCell(_SHADES[shade], WAVE) for shade in row) for row in shades.tolist())
