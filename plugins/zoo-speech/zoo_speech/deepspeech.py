"""Deep Speech (Hannun et al. 2014, arXiv:1412.5567, section 2): dense layers, one of them recurrent both ways."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CLIP = 20.0
"""Greatest output of a unit (equation 2)."""


class DeepSpeech(nn.Module):
    """From spectra to one vector for each of them; letters are a linear layer on that.

    Args:
        bands: of a spectrum.
        context: spectra on either side that the first layer sees.
        width: units of each layer.
        dropout: share of the outputs of the first three layers that training leaves out (section 2.1).
    """

    def __init__(self, bands: int, context: int, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.context, self.dropout = context, dropout
        self.layers = nn.ModuleList(nn.Linear(size, width) for size in ((2 * context + 1) * bands, width, width))
        self.recurrent = nn.RNN(width, width, nonlinearity="relu", batch_first=True, bidirectional=True)
        self.last = nn.Linear(width, width)

    def forward(self, spectra: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Compute them.

        Args:
            spectra: shape (batch, frames, bands), filled up with zeros.
            lengths: frames of each that are none of these, shape (batch,).

        Returns:
            Shape (batch, frames, width).
        """
        padded = nn.functional.pad(spectra, (0, 0, self.context, self.context))
        x = padded.unfold(1, 2 * self.context + 1, 1).flatten(2)
        for layer in self.layers:
            x = nn.functional.dropout(layer(x).clamp(0, CLIP), self.dropout, self.training)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        both, _ = pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, total_length=spectra.shape[1])
        forward, backward = both.chunk(2, -1)  # their sum goes on (equation 5)
        vectors: torch.Tensor = self.last(forward + backward).clamp(0, CLIP)
        return vectors
