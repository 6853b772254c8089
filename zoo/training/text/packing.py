"""Several texts in one row, none of which sees another: no computing is lost to padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from zoo.training.objective import Batch
from zoo.training.text.learnt import LearntText

IGNORED = -100
"""Label of a place whose next token is not learnt, as torch's cross entropy has it."""


def packed(texts: Sequence[LearntText]) -> Batch:
    """Rows as long as the longest text, each filled with as many texts as it has room for.

    Returns:
        `input_ids`, `position_ids` and `segments` as `CausalBody.hidden` takes them; `labels`, int64 of shape (rows,
        tokens), the next token where it is learnt; `owners`, likewise, the index of the text; `counts`, int64 of
        shape (texts,), how many tokens of each are learnt.
    """
    rows = _rows([len(text.ids) for text in texts])
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in _FILLING}
    for row in rows:
        ids = [token for index in row for token in texts[index].ids]
        labels = [label for index in row for label in _labels(texts[index])]
        lengths = torch.tensor([len(texts[index].ids) for index in row])
        parts["input_ids"].append(torch.tensor(ids))
        parts["labels"].append(torch.tensor(labels))
        parts["position_ids"].append(torch.cat([torch.arange(length) for length in lengths.tolist()]))
        parts["segments"].append(torch.arange(1, len(row) + 1).repeat_interleave(lengths))
        parts["owners"].append(torch.tensor(row).repeat_interleave(lengths))
    batch = {
        name: pad_sequence(tensors, batch_first=True, padding_value=_FILLING[name]) for name, tensors in parts.items()
    }
    return batch | {"counts": torch.tensor([text.learnt_tokens for text in texts])}


_FILLING = {"input_ids": 0, "position_ids": 0, "segments": 0, "labels": IGNORED, "owners": 0}
"""What stands at the end of rows that are not full."""


def _labels(text: LearntText) -> list[int]:
    """The token after each, where it is learnt; of the last one there is none."""
    following = zip(text.ids[1:], text.learnt[1:], strict=True)
    return [*(token if learnt else IGNORED for token, learnt in following), IGNORED]


def _rows(lengths: Sequence[int]) -> list[list[int]]:
    """Indices of the texts of each row: the longest first, each where it fits first."""
    capacity = max(lengths)
    rows: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        place = next((place for place, free in enumerate(room) if free >= lengths[index]), len(rows))
        if place == len(rows):
            rows.append([])
            room.append(capacity)
        rows[place].append(index)
        room[place] -= lengths[index]
    return rows
