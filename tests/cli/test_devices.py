"""`zoo devices`, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli import devices, main
from zoo.cli.exit_codes import ExitCode
from zoo.devices import Device

CPU = Device(
    name="cpu",
    kind="cpu",
    description="EPYC \x1b[31m9",
    memory_bytes=16 * 10**9,
    free_bytes=8 * 10**9,
    threads=8,
    instruction_sets=("avx2", "avx512_bf16"),
    rates={"fp32": 1100.4, "bf16": 2310.8},
    native=("fp32", "bf16"),
)
CARD = Device(
    name="cuda:0",
    kind="cuda",
    description="L4",
    memory_bytes=24 * 10**9,
    rates={"fp32": 9000.0, "bf16": 45_000.0},
    native=("fp32", "bf16"),
    note="cuda:0 cannot multiply in fp16: why not",
)


@pytest.fixture(autouse=True)
def known_devices() -> None:
    """Nothing is known of this machine's devices at first, nor is what is measured here kept for other tests."""


@pytest.fixture
def torchless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which torch is not installed, for child processes."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.fixture
def a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a card, which cannot be had here."""
    monkeypatch.setattr(devices, "available", lambda *, refresh: (CPU, CARD))


def test_a_table_shows_what_is_here_and_what_auto_takes(a_card: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.OK == main(["devices"])
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "DEVICE  WHAT     MEMORY    FREE  THREADS  NATIVE     GFLOP/S",
        "cpu     EPYC 9  16.0 GB  8.0 GB        8  fp32 bf16  fp32 1,100 bf16 2,311",
        "cuda:0  L4      24.0 GB                   fp32 bf16  fp32 9,000 bf16 45,000",
        "cpu instruction sets: avx2 avx512_bf16",
        "auto: cuda:0, bf16 (the fastest kind here: L4; cuda:0 cannot multiply in fp16: why not;"
        " bf16 is native here, 5.0x the rate of fp32)",
    ]
    assert "warning: cuda:0 cannot multiply in fp16: why not\n" == captured.err


def test_json_carries_every_field(a_card: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.OK == main(["devices", "--json"])
    cpu, card = json.loads(capsys.readouterr().out)
    assert {"fp32": 1100.4, "bf16": 2310.8} == cpu["rates"]
    assert ["avx2", "avx512_bf16"] == cpu["instruction_sets"]
    assert (8, 8 * 10**9) == (cpu["threads"], cpu["free_bytes"])
    assert ("cuda:0", "cuda", None) == (card["name"], card["kind"], card["free_bytes"])


@pytest.mark.slow
def test_a_machine_without_torch_is_shown_and_warned_about(torchless: None) -> None:
    command = [sys.executable, "-m", "zoo", "devices"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[1].startswith("cpu ")
    assert "auto: cpu, fp32 (" in done.stdout.splitlines()[-1]
    assert done.stderr.startswith("warning: torch is not installed")


def test_refresh_measures_again(torchless: None, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.OK == main(["devices", "--json"])
    cache = store / "cache" / "devices.json"
    cache.write_bytes(cache.read_bytes().replace(b"torch is not", b"REMEMBERED"))
    capsys.readouterr()

    assert ExitCode.OK == main(["devices"])
    assert "REMEMBERED" in capsys.readouterr().err
    assert ExitCode.OK == main(["devices", "--refresh"])
    assert "REMEMBERED" not in capsys.readouterr().err
