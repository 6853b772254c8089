"""Weights on their way: as safetensors, and looked at before anything is done with them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NamedTuple

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load, save

from zoo.errors import Unsupported
from zoo.sites.messages import Refused
from zoo.training.federated.averaging import State, is_finite
from zoo.training.objective import Objective

_LENGTH = 8
"""Bytes at the beginning of a file of safetensors, which say how long its header is."""


class Packed(NamedTuple):
    """Weights as bytes."""

    content: bytes
    sha256: str


def pack(state: State, sent: Collection[str], loss: float | None = None) -> Packed:
    """Make a file of safetensors.

    Args:
        state: the weights.
        sent: names of those that travel.
        loss: of the last steps, which goes along.
    """
    tensors = {name: state[name].contiguous() for name in sorted(sent)}
    content = save(tensors, None if loss is None else {"loss": repr(loss)})
    return Packed(content, hashlib.sha256(content).hexdigest())


def unpack(content: bytes, like: State, sent: Collection[str]) -> State:
    """The weights in a file of safetensors, which has to hold what is expected and nothing else.

    Args:
        content: of the file.
        like: has tensors of those names.
        sent: names of those that are expected.

    Raises:
        Refused: it holds something else, or numbers that are none.
    """
    try:
        state: State = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise Refused(422, "these are no safetensors") from error
    if odd := sorted(set(sent) ^ state.keys()):
        raise Refused(422, f"the tensors are not those that learn here: {', '.join(odd[:3])[:200]}")
    for name, tensor in state.items():
        if (tensor.shape, tensor.dtype) != (like[name].shape, like[name].dtype):
            raise Refused(422, f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}")
    if not is_finite(state):
        raise Refused(422, "its weights are not finite")
    return state


class _Header(msgspec.Struct):
    metadata: dict[str, str] = msgspec.field(name="__metadata__", default={})


def loss_of(content: bytes) -> float | None:
    """The loss that goes along with weights that were unpacked; None where there is none, or it is not finite."""
    length = int.from_bytes(content[:_LENGTH], "little")
    try:
        said = msgspec.json.decode(content[_LENGTH : _LENGTH + length], type=_Header).metadata.get("loss", "")
        loss = float(said)
    except (ValueError, msgspec.DecodeError):
        return None
    return loss if abs(loss) < 1e30 else None


def check_agreed(objective: Objective[object]) -> None:
    """Insist on a network that sites make alike without seeing rows of each other.

    Raises:
        Unsupported: it is made from rows.
    """
    if objective.made_from_rows:
        raise Unsupported(
            "more than weights is made from rows for this task, and sites that keep theirs cannot agree on it",
            "zoo federate MODEL --clients FOLDER, where the data of all may be in one place; or another task",
        )
