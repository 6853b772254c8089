"""A wheel, an index on this machine that has it, and what must be left of it."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.hub_server import HubServer, Served
from tests.weights_factory import sha256, some_bytes
from zoo.card import WheelSource
from zoo.fetch.places import wheel_cache

FOLDER = "toy_weights/model"
FILES = {"model.safetensors": some_bytes(500_000), "1_Pooling/config.json": b'{"pooling": "mean"}\n'}
SOURCE = WheelSource(distribution="Toy.Weights", version="1.0", folder=FOLDER)
RUINOUS = "raise SystemExit('this must never be run')\n"
WHEEL = "toy_weights-1.0-py3-none-any.whl"
OFFLINE = (
    "Toy.Weights 1.0 from the package index cannot be had: {} cannot reach the index, and this machine "
    "seems to be offline"
)


def wheel_bytes(files: dict[str, bytes], *, version: str = "1.0", link: str = "") -> bytes:
    """A wheel whose code must never be run.

    Args:
        files: contents by path.
        version: of the distribution.
        link: path of a member that is a symbolic link out of the wheel.
    """
    info = f"toy_weights-{version}.dist-info"
    members = {
        "toy_weights/__init__.py": RUINOUS.encode(),
        "toy_weights.pth": b"import toy_weights\n",
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: toy-weights\nVersion: {version}\n"
        "Requires-Dist: no-such-thing\nRequires-Python: >=3.99\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*members, f"{info}/RECORD"]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


def toy_wheel(**how: object) -> bytes:
    return wheel_bytes({f"{FOLDER}/{name}": content for name, content in FILES.items()}, **how)  # type: ignore[arg-type]


class Index:
    """A package index with one distribution, on a server."""

    def __init__(self, server: HubServer) -> None:
        self.address = f"{server.address}/simple"
        self._server = server

    def serve(
        self, content: bytes, *, name: str = WHEEL, python: str = "", yanked: str | None = None, **how: object
    ) -> Served:
        """Let the index have one file."""
        mark = f' data-requires-python="{python}"' if python else ""
        mark += "" if yanked is None else f' data-yanked="{yanked}"'
        link = f'<a href="/files/{name}#sha256={sha256(content)}"{mark}>{name}</a>'
        page = f"<!DOCTYPE html><html><body>{link}</body></html>"
        self._server.serve("/simple/toy-weights/", page.encode(), headers={"Content-Type": "text/html"})
        return self._server.serve(f"/files/{name}", content, **how)


def ask(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let uv and pip ask one index, whatever the settings of this machine are."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", address)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", address)


def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program that is called in place of uv."""
    path = tmp_path / "fake" / "uv"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_nothing_left() -> None:
    """Neither a file of the weights nor anything that uv or pip wrote is here."""
    names = [path.name for path in wheel_cache().rglob("*") if path.is_file()]
    assert [name for name in names if not name.endswith(".lock")] == []
