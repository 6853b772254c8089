"""What is said of devices that were measured, were not, or are not seen."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.doctor.findings import found
from zoo.devices import NO_TORCH, Device
from zoo.doctor import devices

CPU = Device(
    name="cpu",
    kind="cpu",
    description="Processor",
    memory_bytes=16 * 10**9,
    free_bytes=8 * 10**9,
    threads=4,
    rates={"fp32": 100.0},
    native=("fp32", "bf16"),
)


def measured(monkeypatch: pytest.MonkeyPatch, *here: Device) -> None:
    """Let these be the devices of this machine."""
    monkeypatch.setattr(devices, "available", lambda refresh=False: here)


@pytest.fixture(autouse=True)
def no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all there is in PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_device_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, CPU)

    (cpu,) = found("devices")
    assert (cpu.mark, cpu.about) == ("ok", "cpu")
    assert cpu.evidence == "Processor, 4 cores, 16.0 GB of memory, 8.0 GB free, native: fp32 bf16"


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, msgspec.structs.replace(CPU, rates={}, note=NO_TORCH))

    (cpu,) = found("devices")
    assert (cpu.mark, cpu.evidence) == ("warning", NO_TORCH)
    assert "zoo-models[training]" in cpu.mend


@pytest.mark.parametrize(("rates", "mark"), [({}, "fault"), ({"fp32": 1.0}, "warning")])
def test_what_could_not_be_measured_is_told(
    rates: dict[str, float], mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, msgspec.structs.replace(CPU, rates=rates, note="cuda:0 does not answer: no driver"))

    (cpu,) = found("devices")
    assert (cpu.mark, cpu.evidence) == (mark, "cuda:0 does not answer: no driver")
    assert cpu.mend.startswith("zoo devices --refresh")


def test_little_free_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, msgspec.structs.replace(CPU, free_bytes=300 * 10**6))

    assert [("ok", "cpu"), ("warning", "memory of cpu")] == [(one.mark, one.about) for one in found("devices")]


def test_cards_that_the_driver_lists_and_torch_does_not_see_are_told(
    no_driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, CPU)
    tool = no_driver / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho Made up 3000\n")
    tool.chmod(0o755)

    unseen = found("devices")[-1]
    assert (unseen.mark, unseen.about) == ("warning", "cuda")
    assert unseen.evidence.startswith("the driver lists 1 card (Made up 3000), but torch ")
