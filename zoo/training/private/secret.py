"""The secret of a private run, and what is drawn from it: which rows a step learns from, and the noise.

Whoever knows what noise was added can take it away again. So it comes from a secret of the run, not from its seed,
which is known; and it is the same whenever a step is computed again, so that a resumed run releases nothing twice.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from zoo import atomic
from zoo.errors import StoreInvalid
from zoo.runs.checkpoints import NOISE_FILE

_BYTES = 32
_CHUNK = 2**20
"""Numbers that are drawn at once."""


class Secret:
    """Gives random numbers that nobody without it can tell from others; each is a function of the secret and its place.

    The bits are those of SHAKE-256 (FIPS 202), which is made for this.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def fresh(cls) -> Secret:
        """From the operating system."""
        return cls(secrets.token_bytes(_BYTES))

    def save(self, folder: Path) -> None:
        """Keep it for the attempts to come; nobody else may read it."""
        atomic.write_bytes(folder / NOISE_FILE, self._key, mode=0o600)

    def uniform(self, count: int, *place: int | str) -> NDArray[np.float64]:
        """Numbers from 0 to below 1, of shape (count,).

        Args:
            count: how many.
            place: what they are for; other places have other numbers.
        """
        label = "/".join(map(str, place)).encode()
        bits = hashlib.shake_256(self._key + label).digest(8 * count)
        return (np.frombuffer(bits, np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, like: torch.Tensor, *place: int | str) -> torch.Tensor:
        """Standard normal numbers, in the shape, type and place of a tensor (Box and Muller 1958)."""
        count = like.numel()
        numbers = np.empty(count)
        for start in range(0, count, _CHUNK):
            size = min(_CHUNK, count - start)
            half = -(-size // 2)
            u = self.uniform(2 * half, *place, start)
            radius, angle = np.sqrt(-2 * np.log1p(-u[:half])), 2 * np.pi * u[half:]
            numbers[start : start + size] = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size]
        return torch.from_numpy(numbers).view(like.shape).to(like.device, like.dtype)


def secret_of(folder: Path, *, begun: bool) -> Secret:
    """The secret of a run, which its first attempt makes.

    Args:
        folder: of the checkpoints.
        begun: whether there is a checkpoint to go on from.

    Raises:
        StoreInvalid: it is lost, and what was spent would be spent again with another one.
    """
    path = folder / NOISE_FILE
    if path.exists():
        return Secret(path.read_bytes())
    if begun:
        raise StoreInvalid(
            f"{path} is missing: without it, what the run has spent of its privacy cannot be continued",
            "start a new run",
        )
    secret = Secret.fresh()
    secret.save(folder)
    return secret
