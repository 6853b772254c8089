"""What can compute here, measured: `python -m zoo.device_probe` prints it as JSON.

A process of its own, because it imports torch and because drivers have been known to take a process down with them.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

SIZE = 1024
"""Rows and columns of the matrices that are multiplied: 2 * 1024**3 operations each time."""
ROUNDS = 5
NATIVE_RATIO = 1.2
"""A half precision counts as native where it multiplies this many times faster than fp32."""


def main() -> None:
    """Measure every device and print the result."""
    sys.stdout.buffer.write(msgspec.json.encode([_cpu(), *_accelerators()]))


def _cpu() -> dict[str, Any]:
    import psutil

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = {
        "name": "cpu",
        "kind": "cpu",
        "description": _cpu_model(),
        "memory_bytes": psutil.virtual_memory().total,
        "threads": min(threads, psutil.cpu_count(logical=False) or threads),
        "instruction_sets": _instruction_sets(),
    }
    try:
        import torch
    except ImportError:
        return found | {"rates": {}, "native": ["fp32"]}
    rates = {"fp32": _rate(torch.float32, "cpu"), "bf16": _rate(torch.bfloat16, "cpu")}
    return found | {"rates": rates, "native": _native(rates)}


def _accelerators() -> list[dict[str, Any]]:
    try:
        import torch
    except ImportError:
        return []
    found = []
    for i in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(i)
        found.append(_accelerator(f"cuda:{i}", facts.name, facts.total_memory))
    for i in range(torch.xpu.device_count()):
        xpu_facts = torch.xpu.get_device_properties(i)
        found.append(_accelerator(f"xpu:{i}", xpu_facts.name, xpu_facts.total_memory))
    if torch.backends.mps.is_available():
        found.append(_accelerator("mps", _cpu_model(), torch.mps.recommended_max_memory()))
    return found


def _accelerator(name: str, description: str, memory_bytes: int) -> dict[str, Any]:
    import torch

    rates = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)):
        try:
            rates[precision] = _rate(dtype, name)
        except RuntimeError as error:  # the device does not know the type
            print(f"{name} {precision}: {error}", file=sys.stderr)  # noqa: T201
    return {
        "name": name,
        "kind": name.partition(":")[0],
        "description": description,
        "memory_bytes": memory_bytes,
        "rates": rates,
        "native": _native(rates),
    }


def _rate(dtype: Any, device: str) -> float:
    """Matrix-multiply rate in GFLOP/s, the best of a few rounds."""
    import torch

    left = torch.randn(SIZE, SIZE, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(ROUNDS + 1):  # the first round warms up
        started = time.perf_counter()
        float((left @ left)[0, 0])  # reading a number waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * SIZE**3 / best / 1e9


def _native(rates: dict[str, float]) -> list[str]:
    return ["fp32", *(p for p, rate in rates.items() if p != "fp32" and rate >= NATIVE_RATIO * rates["fp32"])]


def _cpu_model() -> str:
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _instruction_sets() -> list[str]:
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "bf16")
    for line in _cpuinfo():
        if line.lower().startswith(("flags", "features")):
            flags = set(line.partition(":")[2].split())
            return [name for name in wanted if name in flags]
    return []


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
