"""Tokens by which clients are known: made once, and kept as digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.errors import StoreInvalid

ONLY_OWNER = 0o600
FEWEST, MOST = 20, 200
"""Letters of what may be a token."""


def make_tokens(names: Sequence[str]) -> dict[str, str]:
    """A token for each client, of 256 random bits."""
    return {name: secrets.token_urlsafe(32) for name in names}


def keep_digests(path: Path, tokens: Mapping[str, str]) -> None:
    """Write down what tokens are known by."""
    digests = {name: _digest(token) for name, token in tokens.items()}
    atomic.write_bytes(path, msgspec.json.encode(digests), ONLY_OWNER)


def read_digests(path: Path) -> dict[str, str]:
    """What `keep_digests` wrote.

    Raises:
        StoreInvalid: it is gone.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise StoreInvalid(f"{path} cannot be read ({error})", "start a new run: its clients get new tokens") from error


def owner_of(token: str, digests: Mapping[str, str]) -> str:
    """The name of the client that has a token; empty where nobody has. Takes as long whoever it is."""
    digest, owner = _digest(token), ""
    for name, known in digests.items():
        if hmac.compare_digest(known, digest):
            owner = name
    return owner


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
