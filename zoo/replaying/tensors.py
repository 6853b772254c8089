"""How far the tensors of two files of safetensors are apart, read without torch.

The format: eight bytes that say how long the header is, the header in JSON, then the numbers of all tensors
(https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}
_TYPES |= {"BOOL": "u1", "BF16": "<u2"}
LONGEST_HEADER = 100_000_000
"""As the library itself allows."""


def largest_difference(before: Path, after: Path) -> float | None:
    """The largest difference of two numbers in the same place, infinite where one is none; None where the files have
    other tensors, or no tensors.

    Args:
        before: a file of safetensors.
        after: another one.
    """
    try:
        import numpy as np

        headers = [_header(path) for path in (before, after)]
        if [_shapes(header) for header, _ in headers] != [_shapes(headers[0][0])] * 2:
            return None
        largest = 0.0
        for name in _shapes(headers[0][0]):
            one, other = (
                _tensor(path, header[name], start)
                for path, (header, start) in zip((before, after), headers, strict=True)
            )
            gap = float(np.max(np.abs(one - other), initial=0.0))
            largest = max(largest, math.inf if math.isnan(gap) else gap)
    except (OSError, ValueError, KeyError, ImportError):  # numpy is missing, or one is no such file
        return None
    return largest


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header, and where the numbers begin."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ValueError(f"{path} is no file of safetensors")
        return json.loads(file.read(length)), 8 + length


def _shapes(header: dict[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (one["dtype"], tuple(one["shape"])) for name, one in header.items() if name != "__metadata__"}


def _tensor(path: Path, entry: dict[str, Any], start: int) -> np.ndarray[Any, Any]:
    """The numbers of a tensor, in double precision."""
    import numpy as np

    begin, end = entry["data_offsets"]
    with path.open("rb") as file:
        file.seek(start + begin)
        numbers = np.frombuffer(file.read(end - begin), _TYPES[entry["dtype"]])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        numbers = (numbers.astype("<u4") << 16).view("<f4")
    return numbers.astype(np.float64)
