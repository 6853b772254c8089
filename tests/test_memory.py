"""Memory: what says that it ran out, and how much there is."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest
import torch

from zoo import control_groups
from zoo.memory import available_bytes, forget_peak, is_out_of_memory, peak_bytes


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"), True),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4503599627370496 bytes."),
            True,
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for a matmul primitive"), False),
        (MemoryError(), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("the warehouse is out of memory sticks"), False),
    ],
)
def test_which_errors_say_so(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_what_torch_says_on_a_cpu_is_understood() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**50)
    assert is_out_of_memory(failure.value)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="control groups are Linux's")
@pytest.mark.parametrize("version", [1, 2])
def test_a_control_group_bounds_what_is_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    groups, process = tmp_path / "cgroup", tmp_path / "self"
    inner = groups / "jobs" / "mine" if version == 2 else groups / "memory" / "mine"
    inner.mkdir(parents=True)
    process.mkdir()
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    (process / "cgroup").write_text("0::/jobs/mine\n" if version == 2 else "4:memory:/mine\n")
    outer = groups / "jobs" if version == 2 else inner
    (outer / names[0]).write_text("3000000\n")
    (outer / names[1]).write_text("2500000\n")
    (outer / "memory.stat").write_text(f"anon 1\n{names[2]} 400000\n")
    if version == 2:
        (inner / names[0]).write_text("max\n")
        (inner / names[1]).write_text("2400000\n")
        (inner / "memory.stat").write_text("")
    monkeypatch.setattr(control_groups, "ROOT", groups)
    monkeypatch.setattr(control_groups, "PROCESSES", tmp_path)
    assert available_bytes() == 900_000
    (outer / names[0]).write_text("max\n" if version == 2 else f"{2**63 - 4096}\n")
    assert available_bytes() > 1_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a peak cannot be forgotten")
def test_the_peak_counts_from_when_it_was_forgotten() -> None:
    block = bytearray(200_000_000)
    before = peak_bytes()
    assert before >= psutil.Process().memory_info().rss - 1_000_000
    del block
    forget_peak()
    assert peak_bytes() < before - 100_000_000
