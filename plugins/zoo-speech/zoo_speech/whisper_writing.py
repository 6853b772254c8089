"""How Whisper writes a text: the likeliest token each time, of several windows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from zoo_speech.whisper_tokens import WhisperTokens


class TextDecoder(Protocol):
    """What has heard some windows, and reads tokens of a text for each: all rows have as many."""

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one more token of every row.

        Args:
            ids: int64 of shape (rows,).

        Returns:
            Scores of the next one, float32 of shape (rows, vocabulary).
        """
        ...

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with some of the rows.

        Args:
            rows: their indices, ascending, int64 of shape (kept rows,).
        """
        ...


def write(decoder: TextDecoder, tokens: WhisperTokens, scores: torch.Tensor, most: int) -> list[list[int]]:
    """Write the text of each window to its end; rows whose text has ended are dropped.

    Args:
        decoder: has read what the texts begin with.
        tokens: of the model.
        scores: of the first token of each text, float32 of shape (rows, vocabulary).
        most: tokens of a text.

    Returns:
        Token ids of each text, without the one that ends it.
    """
    texts: list[list[int]] = [[] for _ in range(len(scores))]
    going: Sequence[list[int]] = list(texts)
    while True:
        ids = tokens.next_ids(scores, going)
        kept = []
        for row, (text, number) in enumerate(zip(going, ids.tolist(), strict=True)):
            if number != tokens.end:
                text.append(number)
                if len(text) < most:
                    kept.append(row)
        if not kept:
            return texts
        if len(kept) < len(going):
            rows = torch.tensor(kept, device=ids.device)
            decoder.keep(rows)
            ids, going = ids[rows], [going[row] for row in kept]
        scores = decoder.step(ids)
