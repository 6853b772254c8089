"""What Whisper sees of a recording: log-mel spectra, a hundred a second, made in a thread ahead of the model.

They are those of Radford et al. 2022 (arXiv:2212.04356, section 2.2) as transformers computes them, but for one thing:
of a recording that is longer than a window, levels count from the loudest moment so far, not from the loudest of all,
so that an hour is heard as it comes and in constant memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from zoo.training import prefetched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

SAMPLING_RATE = 16_000
"""In Hz."""
STEP, WINDOW = 160, 400
"""Samples between two spectra, and samples that each is made of."""
FRAMES = 3_000
"""Spectra that the network sees at once: thirty seconds."""
RANGE = 8.0
"""Powers of ten between the loudest and what counts as silence."""
FLOOR = 1e-10
"""Least energy, so that silence has a logarithm."""
AFTER = 3
"""Spectra after the end of a recording that are kept: two see its last samples, one sees silence alone."""
_SOUNDLESS = -9.99
"""Logarithm of the energy that a window must have somewhere to be heard: more than samples that are all zero."""
_AHEAD = 1
"""Blocks of spectra that are made before they are needed."""


class Spectra(NamedTuple):
    """Some that follow one another."""

    energies: torch.Tensor
    """Logarithms to the base of ten, float32 of shape (frames, bands)."""
    heard: int
    """How many of them are of the recording; the rest is silence that fills a window up."""


class WindowOfSpectra(NamedTuple):
    """What the network sees at once."""

    features: torch.Tensor
    """float32 of shape (FRAMES, bands)."""
    frames: int
    """Spectra of it that are of the recording; the last ones of a recording may be fewer than a window has."""


class MelBands:
    """Energies in bands of pitch.

    Args:
        bands: 80, and 128 of the third large model.
    """

    def __init__(self, bands: int) -> None:
        self.bands = bands

    @cached_property
    def _filters(self) -> torch.Tensor:
        """Shape (bands, frequencies)."""
        return torch.from_numpy(slaney_filters(self.bands))

    def spectra(self, blocks: Iterator[Samples]) -> Iterator[Spectra]:
        """Of a recording, block by block.

        Args:
            blocks: samples at `SAMPLING_RATE`, of any lengths.
        """
        beginning = np.zeros(0, np.float32)
        while len(beginning) <= FRAMES * STEP and (block := next(blocks, None)) is not None:
            beginning = np.concatenate([beginning, block])
        if len(beginning) <= FRAMES * STEP:
            sound = np.pad(beginning, (0, FRAMES * STEP - len(beginning)))
            yield Spectra(self._energies(_mirrored(sound, WINDOW // 2, WINDOW // 2)), -(-len(beginning) // STEP))
            return
        pending = _mirrored(beginning, WINDOW // 2, 0)
        while True:
            frames = (len(pending) - WINDOW) // STEP + 1
            if frames > 0:
                yield Spectra(self._energies(pending), frames)
                pending = pending[frames * STEP :]
            block = next(blocks, None)
            if block is None:
                break
            pending = np.concatenate([pending, block])
        # The last spectrum ends within the recording, as if it were cut to a whole number of steps.
        energies = self._energies(_mirrored(pending, 0, WINDOW // 2))
        left = (len(pending) - WINDOW // 2) // STEP
        yield Spectra(energies[:left], left)

    def heard(self, samples: Samples) -> Samples:
        """What the network sees of a recording that is learnt, without most of the silence that fills a window up.

        Args:
            samples: of all of it.

        Returns:
            Shape (frames, bands); of a recording longer than a window its frames alone, without bands.
        """
        frames = -(-len(samples) // STEP)
        if frames > FRAMES:
            return np.zeros((frames, 0), np.float32)
        (spectra,) = self.spectra(iter([samples]))
        features: Samples = _levels(spectra.energies, float(spectra.energies.max())).numpy()
        return features[: frames + AFTER]

    def _energies(self, samples: Samples) -> torch.Tensor:
        """Of each whole window of samples, shape (frames, bands)."""
        sound = torch.from_numpy(samples)
        spectra = torch.stft(sound, WINDOW, STEP, window=torch.hann_window(WINDOW), center=False, return_complex=True)
        frames = min(spectra.shape[1], (len(samples) - WINDOW) // STEP + 1)
        power = spectra[:, :frames].abs().square()
        return (self._filters @ power).clamp_(min=FLOOR).log10_().T.contiguous()


class RecordingSpectra:
    """The spectra of a recording, from wherever it is heard next.

    Args:
        bands: computes them.
        blocks: samples of the recording.
    """

    def __init__(self, bands: MelBands, blocks: Iterator[Samples]) -> None:
        spectra = bands.spectra(blocks)
        # One thread, so that blocks are read in order.
        self._coming = prefetched(lambda _: next(spectra, None), repeat(None), threads=1, ahead=_AHEAD)
        self._pending, self._heard = torch.zeros(0, bands.bands), 0
        self._ended = False
        self._loudest = -torch.inf
        self.at = 0
        """Spectra from the beginning of the recording to the next window."""

    def window(self) -> WindowOfSpectra | None:
        """What is heard next; windows without any sound are passed over. None at the end.

        Raises:
            Unusable: the recording cannot be read any further.
        """
        while True:
            self._read()
            if self._heard <= 0:
                return None
            energies = self._pending[:FRAMES]
            loudest = float(energies.max())
            if loudest > _SOUNDLESS:
                break
            self.skip(len(energies))
        self._loudest = max(self._loudest, loudest)
        features = _levels(energies, self._loudest)
        return WindowOfSpectra(functional.pad(features, (0, 0, 0, FRAMES - len(features))), min(self._heard, FRAMES))

    def _read(self) -> None:
        """Have more than a window ready, or all that is left."""
        while len(self._pending) <= FRAMES and not self._ended:
            spectra = next(self._coming)
            if spectra is None:
                self._ended = True
                self._coming.close()
                return
            self._pending = torch.cat([self._pending, spectra.energies])
            self._heard += spectra.heard

    def skip(self, frames: int) -> None:
        """Go on after so many spectra."""
        self._pending = self._pending[frames:]
        self._heard -= frames
        self.at += frames

    def close(self) -> None:
        """Read no further."""
        self._coming.close()


def filled_up(heard: Samples) -> torch.Tensor:
    """A whole window.

    Args:
        heard: as `MelBands.heard` gives it of a recording that is no longer.

    Returns:
        Shape (FRAMES, bands).
    """
    window = torch.full((FRAMES, heard.shape[1]), float(heard.min()))
    window[: len(heard)] = torch.from_numpy(heard)
    return window


def _levels(energies: torch.Tensor, loudest: float) -> torch.Tensor:
    """Logarithms as the network sees them."""
    return (energies.clamp(min=loudest - RANGE) + 4) / 4


def slaney_filters(bands: int) -> NDArray[np.float32]:
    """Triangles that are even in Slaney's mel (Auditory Toolbox, 1998) from 0 to 8,000 Hz, each of area one.

    Returns:
        Shape (bands, frequencies).
    """
    linear_hz, step = 200 / 3, np.log(6.4) / 27
    highest = 15 + np.log(SAMPLING_RATE / 2 / 1000) / step
    mel = np.linspace(0, highest, bands + 2)
    edges = np.where(mel < 15, linear_hz * mel, 1000 * np.exp(step * (mel - 15)))
    frequencies = np.linspace(0, SAMPLING_RATE / 2, WINDOW // 2 + 1)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)
    return filters


def _mirrored(samples: Samples, before: int, after: int) -> Samples:
    """With the samples next to each end once more, in the reverse order."""
    return np.pad(samples, (before, after), mode="reflect")
