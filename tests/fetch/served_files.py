"""Two files of weights, and servers that have them."""

from __future__ import annotations

from pathlib import Path

from tests.hub_server import HubServer
from tests.weights_factory import (
    REPOSITORY,
    some_bytes,
)

FILES = {"model.safetensors": some_bytes(300_000), "onnx/config.json": b'{"layers": 2}'}
OTHER = some_bytes(300_000, seed=1)


def serve_all(server: HubServer) -> None:
    for name, content in FILES.items():
        server.serve(f"/web/{name}", content)


def serve_hub(hub: HubServer, prefix: str = "") -> None:
    for name, content in FILES.items():
        hub.serve_hub(REPOSITORY, name, content, prefix=prefix, large=name.endswith("safetensors"))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}
