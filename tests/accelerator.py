"""An accelerator that this machine remembers and has not: a model that needs no torch computes on it like on any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from zoo import atomic
from zoo.devices import Device, _key


def card(number: int) -> Device:
    return Device(
        name=f"cuda:{number}", kind="cuda", description="Made up", memory_bytes=10**9, uuid=f"0000-{number:04d}"
    )


@pytest.fixture
def accelerators(store: Path, known_devices: None) -> Iterator[None]:
    """Two of them, for this test and its processes."""
    path = store / "cache" / "devices.json"
    before = path.read_bytes() if path.exists() else None
    cpu = Device(name="cpu", kind="cpu", description="Processor", memory_bytes=10**9)
    atomic.write_bytes(path, msgspec.json.encode({"key": _key(), "devices": (cpu, card(0), card(1))}))
    yield
    path.unlink() if before is None else path.write_bytes(before)
