"""The numbers of a GGUF file, unpacked (github.com/ggml-org/ggml, src/ggml-quants.c).

Blocks of 32 numbers have one scale and perhaps an offset; those of 256, the K types, have smaller blocks within, whose
scales are packed in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import GgufTensor

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
_NIBBLES = np.array([0, 4], np.uint8)
_PAIRS = np.array([0, 2, 4, 6], np.uint8)
_BITS = np.arange(8, dtype=np.uint8)


def unpacked(content: Bytes, tensor: GgufTensor) -> Floats:
    """The numbers of a tensor.

    Args:
        content: the bytes of the whole file.
        tensor: one that its header names.

    Returns:
        Shape of the tensor.
    """
    kind = tensor.block_type
    blocks = content[tensor.offset : tensor.offset + tensor.size_bytes].reshape(-1, kind.size_bytes)
    with np.errstate(invalid="ignore", over="ignore"):  # scales of a damaged file may be infinite
        return _UNPACK[kind.name](blocks).reshape(tensor.shape)


def _halves(blocks: Bytes) -> Floats:
    """Numbers of 16 bits, shape (blocks, numbers)."""
    return np.ascontiguousarray(blocks).view(np.float16).astype(np.float32)


def _f32(blocks: Bytes) -> Floats:
    return blocks.view(np.float32)


def _bf16(blocks: Bytes) -> Floats:
    return (blocks.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _nibbles(packed: Bytes) -> Bytes:
    """The lower halves of the bytes of each block, then the upper ones; shape (blocks, 2 * bytes)."""
    return np.concatenate((packed & 15, packed >> 4), 1)


def _fifth_bits(packed: Bytes) -> Bytes:
    """32 bits a block, each in the place of the fifth bit of a number."""
    bits: Bytes = np.unpackbits(np.ascontiguousarray(packed), axis=1, bitorder="little")
    return bits << np.uint8(4)


def _q4_0(blocks: Bytes) -> Floats:
    return _halves(blocks[:, :2]) * (_nibbles(blocks[:, 2:]).astype(np.float32) - 8)


def _q4_1(blocks: Bytes) -> Floats:
    return _halves(blocks[:, :2]) * _nibbles(blocks[:, 4:]) + _halves(blocks[:, 2:4])


def _q5_0(blocks: Bytes) -> Floats:
    numbers = _nibbles(blocks[:, 6:]) | _fifth_bits(blocks[:, 2:6])
    return _halves(blocks[:, :2]) * (numbers.astype(np.float32) - 16)


def _q5_1(blocks: Bytes) -> Floats:
    numbers = _nibbles(blocks[:, 8:]) | _fifth_bits(blocks[:, 4:8])
    return _halves(blocks[:, :2]) * numbers + _halves(blocks[:, 2:4])


def _q8_0(blocks: Bytes) -> Floats:
    return _halves(blocks[:, :2]) * np.ascontiguousarray(blocks[:, 2:]).view(np.int8)


def _shifted(packed: Bytes, run: int, shifts: NDArray[np.uint8]) -> Bytes:
    """Runs of bytes, each once for every shift: shape (blocks, runs * shifts * run)."""
    parts = packed.reshape(len(packed), -1, 1, run) >> shifts[None, None, :, None]
    return parts.reshape(len(packed), -1)


def _scales_and_offsets(packed: Bytes) -> tuple[Bytes, Bytes]:
    """Eight of each, of six bits, in twelve bytes."""
    scales, offsets, rest = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    return (
        np.concatenate((scales & 63, (rest & 15) | (scales >> 2 & 48)), 1),
        np.concatenate((offsets & 63, (rest >> 4) | (offsets >> 2 & 48)), 1),
    )


def _scaled(numbers: NDArray[Any], scales: Floats, offsets: Floats | None = None) -> Floats:
    """Smaller blocks with a scale each: (blocks, 256) and (blocks, smaller blocks) to (blocks, 256)."""
    parts = numbers.reshape(*scales.shape, -1).astype(np.float32) * scales[..., None]
    if offsets is not None:
        parts -= offsets[..., None]
    return parts.reshape(numbers.shape)


def _q2_k(blocks: Bytes) -> Floats:
    packed = blocks[:, :16]
    numbers = _shifted(blocks[:, 16:80], 32, _PAIRS) & 3
    return _scaled(numbers, _halves(blocks[:, 80:82]) * (packed & 15), _halves(blocks[:, 82:84]) * (packed >> 4))


def _q3_k(blocks: Bytes) -> Floats:
    low, high = _shifted(blocks[:, 96:104], 8, _NIBBLES) & 15, _shifted(blocks[:, 104:108], 4, _PAIRS) & 3
    scales = (low | high << 4).astype(np.float32) - 32
    numbers = (_shifted(blocks[:, 32:96], 32, _PAIRS) & 3).astype(np.int8)
    negative = (_shifted(blocks[:, :32], 32, _BITS) & 1 ^ 1).astype(np.int8)
    return _scaled(numbers - 4 * negative, _halves(blocks[:, 108:]) * scales)


def _q4_k(blocks: Bytes) -> Floats:
    scales, offsets = _scales_and_offsets(blocks[:, 4:16])
    numbers = _shifted(blocks[:, 16:], 32, _NIBBLES) & 15
    return _scaled(numbers, _halves(blocks[:, :2]) * scales, _halves(blocks[:, 2:4]) * offsets)


def _q5_k(blocks: Bytes) -> Floats:
    scales, offsets = _scales_and_offsets(blocks[:, 4:16])
    numbers = (_shifted(blocks[:, 48:], 32, _NIBBLES) & 15) | (_shifted(blocks[:, 16:48], 32, _BITS) & 1) << 4
    return _scaled(numbers, _halves(blocks[:, :2]) * scales, _halves(blocks[:, 2:4]) * offsets)


def _q6_k(blocks: Bytes) -> Floats:
    numbers = (_shifted(blocks[:, :128], 64, _NIBBLES) & 15) | (_shifted(blocks[:, 128:192], 32, _PAIRS) & 3) << 4
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8)
    return _scaled(numbers.astype(np.float32) - 32, _halves(blocks[:, 208:]) * scales)


_UNPACK: dict[str, Callable[[Bytes], Floats]] = {
    "F32": _f32,
    "F16": _halves,
    "BF16": _bf16,
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q8_0": _q8_0,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
}
"""Each from uint8 of shape (blocks, bytes of a block) to float32 of shape (blocks, numbers of a block)."""
