"""Weights made of given bytes."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from tests.hub_server import COMMIT, HubServer
from zoo.card import HubSource, Source, UrlSource, Weights, WeightsFile

REPOSITORY = "toys/model"


def some_bytes(size_bytes: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat."""
    return random.Random(seed).randbytes(size_bytes)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def weights_file(name: str, content: bytes) -> WeightsFile:
    """A file named by its size and digest."""
    return WeightsFile(name=name, sha256=sha256(content), size_bytes=len(content))


def weights(files: dict[str, bytes], *sources: Source) -> Weights:
    """Files of these bytes from these sources."""
    return Weights(files=tuple(weights_file(*file) for file in files.items()), sources=sources)


def url_source(server: HubServer) -> UrlSource:
    return UrlSource(base_url=f"{server.address}/web")


def hub_source() -> HubSource:
    return HubSource(repository=REPOSITORY, revision=COMMIT)


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Put files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
