"""From samples to what a network of speech sees: the energy in bands of pitch, on a logarithmic scale."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR = 1e-10
"""Least energy, so that silence has a logarithm."""


@dataclass(frozen=True)
class LogMel:
    """Log-mel spectrogram: Hann windows, power, triangular filters on the mel scale (Davis and Mermelstein 1980).

    Each band of a recording has mean 0 and standard deviation 1 (cepstral mean and variance normalisation), so that
    neither the loudness nor the colour of a microphone counts.
    """

    sampling_rate: int
    """In Hz."""
    bands: int
    window_s: float = 0.025
    """Seconds that one spectrum is made of."""
    step_s: float = 0.01
    """Seconds between two of them."""

    @property
    def step(self) -> int:
        """In samples."""
        return round(self.step_s * self.sampling_rate)

    @property
    def window(self) -> int:
        """In samples."""
        return round(self.window_s * self.sampling_rate)

    @property
    def _fft(self) -> int:
        """The next power of two."""
        return 1 << (self.window - 1).bit_length()

    @cached_property
    def _filters(self) -> torch.Tensor:
        """Shape (bands, frequencies)."""
        return torch.from_numpy(_mel_filters(self.bands, self._fft, self.sampling_rate))

    def frames(self, samples: int) -> int:
        """How many spectra a recording of so many samples has."""
        return 1 + samples // self.step

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute it.

        Args:
            samples: one channel at `sampling_rate`, shape (samples,).

        Returns:
            Shape (frames, bands).
        """
        # A recording shorter than half a window cannot be mirrored at its ends.
        sound = nn.functional.pad(torch.from_numpy(samples), (0, max(0, self._fft - len(samples))))
        spectra = torch.stft(
            sound,
            self._fft,
            self.step,
            self.window,
            torch.hann_window(self.window),
            center=True,
            return_complex=True,
        )
        energies = self._filters @ spectra.abs().square()
        bands = energies.clamp(min=FLOOR).log().T[: self.frames(len(samples))]
        spread = bands.std(0, correction=0).clamp(min=1e-3)
        normalised: NDArray[np.float32] = ((bands - bands.mean(0)) / spread).numpy()
        return normalised

    def to_json(self) -> dict[str, Any]:
        """For a configuration."""
        return asdict(self)


def _mel_filters(bands: int, fft: int, rate: int) -> NDArray[np.float32]:
    """Triangles of equal width in mel (O'Shaughnessy 1987: 2595 log10(1 + f / 700)), from 0 Hz to half the rate."""
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, bands + 2) / 2595) - 1)
    frequencies = np.linspace(0, rate / 2, fft // 2 + 1)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
