"""Tensors out of a folder of weights: safetensors as they are, torchvision's pickles by way of safetensors."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from zoo.card import Card
from zoo.errors import StoreInvalid
from zoo.hub_config import INDEX
from zoo.runs.heads import BODY_NAMES
from zoo.training.packing import load_tensors

FILE = "model.safetensors"
"""Of a result of ours."""
BACKBONE = "backbone.body."
"""Begins the names of a network's tensors where a head on feature maps stands beside it, as torchvision has it."""


def published_file(card: Card) -> str:
    """The file of torchvision's that a card names; empty for a result of ours."""
    files = card.weights.files if card.weights is not None else ()
    return next((file.name for file in files if file.name.endswith(".pth")), "")


def state_of(card: Card, folder: Path, cache: Path) -> dict[str, torch.Tensor]:
    """The state dict of a model.

    Args:
        card: names the file where the folder holds those of other models, too, as torch.hub's does.
        folder: what `zoo.fetch` brought, digests checked; or the model folder of a run.
        cache: where a pickle is kept as safetensors: read without unpickling, and without copying, from then on.

    Raises:
        StoreInvalid: there is no such file, it is damaged, or it holds anything but tensors.
    """
    pickled = published_file(card)
    if not pickled:
        return _load_shards(folder) if (folder / INDEX).exists() else _load_safetensors(folder / FILE)
    path = folder / pickled
    converted = cache / f"{path.stem}.safetensors"
    if converted.exists():
        with contextlib.suppress(StoreInvalid):  # damaged: made again
            return _load_safetensors(converted)
    state = _unpickle(path)
    _keep(state, converted)
    return state


def fill(module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put weights into a module that has exactly these.

    Raises:
        StoreInvalid: they are of another architecture.
    """
    expected = module.state_dict()
    odd = sorted(state.keys() ^ expected.keys()) or sorted(
        name for name, tensor in state.items() if tensor.shape != expected[name].shape
    )
    if odd:
        raise StoreInvalid(f"the weights do not fit the network: {', '.join(odd[:5])}", "fetch or train them again")
    module.load_state_dict(state)


def network_state(state: dict[str, torch.Tensor], own: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a network, by its own names, also where the weights have it as a backbone.

    Args:
        state: of the weights.
        own: of the network; what no map comes from, and a backbone therefore lacks, stays as it is there.
    """
    backbone = below(BACKBONE, state)
    return {**own, **backbone} if backbone else state


def below(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _load_shards(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of all files that an index of transformers names, none of which is elsewhere."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        names = sorted({str(name) for name in index["weight_map"].values()})
        of_body = {str(stored): str(name) for name, stored in index.get(BODY_NAMES, {}).items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise StoreInvalid(f"{folder / INDEX} cannot be read: {error}", "fetch or train the model again") from error
    if any(Path(name).name != name for name in names):
        raise StoreInvalid(f"{folder / INDEX} names files outside of its folder", "fetch or train the model again")
    tensors = (pair for part in names for pair in _load_safetensors(folder / part).items())
    return {of_body.get(stored, stored): tensor for stored, tensor in tensors}


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_tensors(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise StoreInvalid(
            f"{path} cannot be read: {error}", "remove it; then fetch or train the model again"
        ) from error


def _unpickle(path: Path) -> dict[str, torch.Tensor]:
    hint = "remove it, and fetch it again"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreInvalid(f"{path} holds more than tensors, or is damaged: {words}", hint) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        raise StoreInvalid(f"{path} holds something else than named tensors", hint)
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _keep(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write whole or not at all; whoever comes second replaces it by the same."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            partial = Path(folder) / path.name
            save_file({name: tensor.clone() for name, tensor in state.items()}, partial)  # clones share no memory
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(path)
    except OSError as error:
        raise StoreInvalid(
            f"{path} cannot be written: {error.strerror or error}", "look at the disk and its room"
        ) from error
