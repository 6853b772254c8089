"""Tensors in files of safetensors; those of a network that was divided among processes, by their rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open

from zoo.training.sharding import Rows

Slices = dict[str, tuple[int, int]]
"""Of the tensors of a file that are divided: which row of the whole its first one is, and how many rows that has."""


class _Piece(NamedTuple):
    """Rows of a tensor in a file."""

    file: Any
    rows: Rows | None
    """None for all."""


class StoredTensors:
    """Tensors by name, read when they are asked for, by whichever processes need which of their rows.

    Args:
        files: each with the tensors in it that are divided.
    """

    def __init__(self, files: Mapping[Path, Slices]) -> None:
        self._pieces: dict[str, list[_Piece]] = {}
        self.shapes: dict[str, torch.Size] = {}
        """Of whole tensors."""
        for path, slices in files.items():
            file: Any = safe_open(path, "pt")
            for name in file.keys():  # noqa: SIM118  (it is no dict)
                shape = file.get_slice(name).get_shape()
                rows = Rows(slices[name][0], shape[0], slices[name][1]) if name in slices else None
                self._pieces.setdefault(name, []).append(_Piece(file, rows))
                self.shapes[name] = torch.Size((rows.of, *shape[1:]) if rows else shape)

    def read(self, name: str, rows: Rows | None = None) -> torch.Tensor:
        """A tensor, or some of its rows.

        Args:
            name: of the tensor.
            rows: which; None for all.
        """
        pieces = self._pieces[name]
        if pieces[0].rows is None:
            tensor: torch.Tensor = pieces[0].file.get_tensor(name)
            return tensor if rows is None else tensor[rows.first : rows.first + rows.size]
        start, stop = (rows.first, rows.first + rows.size) if rows else (0, pieces[0].rows.of)
        parts = []
        for file, held in sorted(pieces, key=lambda piece: piece.rows.first if piece.rows else 0):
            assert held is not None
            low, high = max(start, held.first), min(stop, held.first + held.size)
            if low < high:
                parts.append(file.get_slice(name)[low - held.first : high - held.first])
        return torch.cat(parts)
