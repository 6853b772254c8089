"""Weights in fewer bytes: 4 or 8 bits a number with scales beside them, or 16 bits without.

A packed file is safetensors as any other. Its metadata say under `zoo.packed` which tensors are packed and in how many
bits; the scales of the tensor NAME are `NAME.zoo_scales`. `config.json` beside it says so as `quantization_config`, so
that other libraries refuse what they would misread. `TensorFile` and `load_tensors` give numbers in float32.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from zoo import atomic
from zoo.errors import StoreInvalid
from zoo.hub_config import WEIGHTS

PACKED = "zoo.packed"
"""Key of the metadata."""
SCALES = ".zoo_scales"
"""Ends the names of the tensors that hold scales."""
SAID = "quantization_config"
"""Entry of `config.json`."""
FEWEST = 4096
"""Numbers of a tensor that is worth packing."""
GROUP = 32
"""Numbers of 4 bits that share a scale, which has 16 bits."""
_TINY = torch.finfo(torch.float32).tiny


class Packed(NamedTuple):
    """How one tensor is packed."""

    bits: int
    shape: list[int]

    def numbers(self, stored: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
        """What it stands for, in float32.

        Args:
            stored: int8 of its shape; of 4 bits, uint8 with two numbers each, the lower bits first.
            scales: of each row, or one of all; of 4 bits, of each group.
        """
        if self.bits == 8:
            return stored.float().mul_(scales.float().view(-1, *[1] * (stored.ndim - 1)))
        pairs = torch.stack((stored & 15, stored >> 4), -1).view(-1, GROUP)
        return pairs.float().sub_(8).mul_(scales.float()[:, None]).view(self.shape)


class PackedWeights(NamedTuple):
    """A tensor of integers and its scales; see `Packed.numbers`."""

    stored: torch.Tensor
    scales: torch.Tensor
    how: Packed


def by_row(weight: torch.Tensor) -> PackedWeights:
    """8 bits with a scale for each row: the output of a linear layer, a token of a table (Jacob et al. 2018,
    arXiv:1712.05877).
    """
    return _in_8_bits(weight, weight.abs().flatten(1).amax(1))


def by_tensor(weight: torch.Tensor) -> PackedWeights:
    """8 bits with one scale."""
    return _in_8_bits(weight, weight.abs().amax()[None])


def by_group(weight: torch.Tensor) -> PackedWeights:
    """4 bits with a scale for each 32 numbers of a row, the best in the least squares for these integers; 8 bits where
    rows cannot be divided so.

    The largest number of a group becomes -8, as in the format Q4_0 of llama.cpp: all sixteen steps are in use.
    """
    if weight[0].numel() % GROUP:
        return by_row(weight)
    groups = weight.reshape(-1, GROUP)
    largest = groups.gather(1, groups.abs().argmax(1, keepdim=True))
    steps = torch.where(largest == 0, 1.0, largest / -8)
    integers = (groups / steps).round_().clamp_(-8, 7)
    best = (groups * integers).sum(1) / integers.square().sum(1).clamp_min(1)
    if not best.abs().max() < torch.finfo(torch.float16).max:
        return by_row(weight)
    pairs = (integers + 8).to(torch.uint8).view(-1, 2)
    return PackedWeights(pairs[:, 0] | pairs[:, 1] << 4, best.half(), Packed(4, list(weight.shape)))


def _in_8_bits(weight: torch.Tensor, largest: torch.Tensor) -> PackedWeights:
    scales = (largest / 127).clamp_min(_TINY)
    integers = (weight / scales.view(-1, *[1] * (weight.ndim - 1))).round_().to(torch.int8)
    return PackedWeights(integers, scales, Packed(8, list(weight.shape)))


_PACKERS: dict[str, Callable[[torch.Tensor], PackedWeights]] = {
    "int8": by_row,
    "int8-tensor": by_tensor,
    "int4": by_group,
}


def pack(state: dict[str, torch.Tensor], name: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors in fewer bytes, and the metadata that say how; matrices and the like are packed, and no small ones.

    Args:
        state: float32.
        name: of the format, one of `zoo.shrink_options.FORMATS`.
    """
    packed: dict[str, torch.Tensor] = {}
    how: dict[str, Packed] = {}
    for of, tensor in state.items():
        if tensor.ndim < 2 or tensor.numel() < FEWEST or not tensor.is_floating_point():
            packed[of] = tensor
        elif name == "bf16":
            packed[of] = tensor.bfloat16()
        else:
            packed[of], packed[of + SCALES], how[of] = _PACKERS[name](tensor.float())
    stated = json.dumps({of: one._asdict() for of, one in how.items()}, separators=(",", ":"))
    return packed, {"format": "pt", PACKED: stated}


def pack_folder(folder: Path, name: str) -> None:
    """Pack the weights of a model, and say so in its configuration.

    Args:
        folder: of the model, with all tensors in one file.
        name: of the format.
    """
    state, metadata = pack(load_tensors(folder / WEIGHTS), name)
    _replace(folder, state, metadata, None if name == "bf16" else {"quant_method": "zoo", "format": name})


def unpack_folder(folder: Path) -> None:
    """Let the weights of a model be in float32 again, as other libraries read them.

    Args:
        folder: of the model, with all tensors in one file.
    """
    _replace(folder, load_tensors(folder / WEIGHTS), {"format": "pt"}, None)


def _replace(
    folder: Path, state: dict[str, torch.Tensor], metadata: dict[str, str], said: dict[str, str] | None
) -> None:
    partial, config = folder / f".{WEIGHTS}", folder / "config.json"
    try:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, partial, metadata)
        _sort_metadata(partial)
    except SafetensorError as error:
        partial.unlink(missing_ok=True)
        raise StoreInvalid(f"{folder / WEIGHTS} cannot be written: {error}", "make room") from error
    partial.replace(folder / WEIGHTS)
    if config.exists():
        document = json.loads(config.read_bytes())
        document.pop(SAID, None)
        document |= {SAID: said} if said else {}
        atomic.write_text(config, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _sort_metadata(path: Path) -> None:
    """Let metadata stand in the order of their keys: the library writes them in another one each time, and the same
    weights are to be the same file.

    Args:
        path: of a file of safetensors: eight bytes that say how long its header is, the header in JSON, the numbers.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        content = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(content) <= length:
            file.seek(8)
            file.write(content.ljust(length))


class TensorFile:
    """An open file of tensors, each unpacked as it is taken.

    Args:
        file: as `safetensors.safe_open` gives it.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._packed = _stated(file.metadata())

    def keys(self) -> list[str]:
        """Names of the tensors, without those of scales."""
        return [name for name in self._file.keys() if not name.endswith(SCALES)]  # noqa: SIM118  (not a dict)

    def get_tensor(self, name: str) -> torch.Tensor:
        """One tensor; float32 where it is packed."""
        stored: torch.Tensor = self._file.get_tensor(name)
        how = self._packed.get(name)
        return how.numbers(stored, self._file.get_tensor(name + SCALES)) if how else stored


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a file; of a packed one in float32.

    Raises:
        SafetensorError: it is damaged.
        OSError: it cannot be read.
    """
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    if PACKED not in (metadata or {}):
        return load_file(path)
    with safe_open(path, framework="pt") as file:
        tensors = TensorFile(file)
        return {name: _plain(tensors.get_tensor(name)) for name in tensors.keys()}  # noqa: SIM118  (not a dict)


def is_packed(folder: Path) -> bool:
    """Whether weights of a model are packed, which other libraries cannot read."""
    if not (folder / WEIGHTS).exists():
        return False
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        metadata: dict[str, str] = file.metadata() or {}
    return metadata.get(PACKED, "{}") != "{}"


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _stated(metadata: dict[str, str] | None) -> dict[str, Packed]:
    """How each tensor is packed; a file that says nonsense is damaged.

    Raises:
        ValueError: it does.
    """
    stated = json.loads((metadata or {}).get(PACKED, "{}"))
    how = {name: Packed(int(one["bits"]), [int(size) for size in one["shape"]]) for name, one in stated.items()}
    if any(one.bits not in (4, 8) or math.prod(one.shape) < 1 for one in how.values()):
        raise ValueError(f"{PACKED} of the file is of another version of zoo")
    return how
