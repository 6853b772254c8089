"""What computes here, as `zoo devices` has measured it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from zoo.devices import FREE_MEMORY_TIMEOUT_S, NO_TORCH, Device, available
from zoo.discovery import HOST
from zoo.doctor.packages import install_command
from zoo.findings import Finding, fault, ok, warning
from zoo.plurals import counted
from zoo.units import size

LITTLE_BYTES = 1_000_000_000
"""Less memory than this is not enough for a model of a hundred million parameters."""


def look() -> Iterator[Finding]:
    """Each device, and cards that torch does not see; measured anew where the last measuring found something wrong."""
    devices = available()
    if any(device.note for device in devices):
        devices = available(refresh=True)
    for device in devices:
        yield _finding(device)
        if device.free_bytes is not None and device.free_bytes < LITTLE_BYTES:
            words = f"{size(device.free_bytes)} of {size(device.memory_bytes)} are free"
            yield warning(f"memory of {device.name}", words, "close what else needs memory; zoo ps lists the runs")
    yield from _unseen_cards(devices)


def _finding(device: Device) -> Finding:
    if device.note == NO_TORCH:
        return warning(device.name, device.note, install_command(f"{HOST}[training]"))
    if device.note:
        mend = "zoo devices --refresh; python -m zoo.device_probe shows more"
        return (warning if device.rates else fault)(device.name, device.note, mend)
    free = "" if device.free_bytes is None else f", {size(device.free_bytes)} free"
    threads = f", {counted(device.threads, 'core')}" if device.threads else ""
    memory = f"{size(device.memory_bytes)} of memory{free}"
    return ok(device.name, f"{device.description}{threads}, {memory}, native: {' '.join(device.native)}")


def _unseen_cards(devices: Sequence[Device]) -> Iterator[Finding]:
    """Cards that the driver lists where torch sees none."""
    if any(device.kind == "cuda" for device in devices):
        return
    cards = _cards_of_driver()
    if not cards:
        return
    try:
        installed = f"torch {version('torch')}"
    except PackageNotFoundError:
        installed = "no torch is here, and so"
    words = f"the driver lists {counted(len(cards), 'card')} ({cards[0]}), but {installed} sees none"
    mend = "look at CUDA_VISIBLE_DEVICES, and for the torch that fits the driver: https://pytorch.org/get-started"
    yield warning("cuda", words, mend)


def _cards_of_driver() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=FREE_MEMORY_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []  # a driver that does not answer has no cards to offer
    return [line.strip() for line in answer.splitlines() if line.strip()]
