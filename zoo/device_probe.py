"""What can compute here, measured: `python -m zoo.device_probe` prints it as JSON.

A process of its own, because it imports torch and because drivers have been known to take a process down with them.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo.devices import NO_TORCH, Device, cpu_model, usable_cpus

CPU_SIZE = 768
"""Rows and columns of the matrices that are multiplied: 2 * 768**3 operations each time."""
ACCELERATOR_SIZE = 2048
"""Large enough that starting a multiplication does not hide how long it takes."""
BUDGET_S = 0.2
"""Time for each way to multiply in each precision."""
MIN_ROUNDS = 3
NATIVE_RATIO = 1.2
"""A half precision counts as native where it multiplies this many times faster than fp32."""

# Flag of the kernel -> the name people use.
_FLAGS = {
    "avx": "avx",
    "avx2": "avx2",
    "avx512f": "avx512f",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
    "avx512_fp16": "avx512_fp16",
    "amx_tile": "amx_tile",
    "amx_int8": "amx_int8",
    "amx_bf16": "amx_bf16",
    "asimd": "neon",
    "neon": "neon",
    "sve": "sve",
    "bf16": "bf16",
    "i8mm": "i8mm",
}
_CAPABILITIES = {"AVX2": ("avx", "avx2"), "AVX512": ("avx", "avx2", "avx512f")}
"""What torch calls a processor, where the system has no /proc/cpuinfo."""


def main() -> None:
    """Measure every device and print the result; whatever torch or a driver prints goes to stderr."""
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        answer.write(msgspec.json.encode(_devices()))


def _devices() -> list[Device]:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of its own is missing
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            return [_cpu({}, (), NO_TORCH)]
        return [_cpu({}, (), f"torch cannot be imported ({error}): only the CPU is offered, in fp32")]
    precisions = {"fp32": torch.float32, "bf16": torch.bfloat16}  # fp16 on a CPU is refused, however fast
    rates, problem = _rates("cpu", CPU_SIZE, precisions)
    capability = _CAPABILITIES.get(torch.backends.cpu.get_cpu_capability(), ())
    accelerators, problems = [], [problem] if problem else []
    for name in _accelerator_names(problems):
        try:
            accelerators.append(_accelerator(name))
        except (RuntimeError, AssertionError) as error:  # torch knows of it, but its driver does not answer
            problems.append(f"{name} does not answer: {_first_line(error)}")
    return [_cpu(rates, capability, "; ".join(problems)), *accelerators]


def _cpu(rates: dict[str, float], capability: tuple[str, ...], note: str) -> Device:
    import psutil

    return Device(
        name="cpu",
        kind="cpu",
        description=_sysctl("machdep.cpu.brand_string") or cpu_model(),
        memory_bytes=min([psutil.virtual_memory().total, *_memory_limits()]),
        threads=_physical_cores(),
        instruction_sets=_instruction_sets(capability),
        rates=rates,
        native=_native(rates),
        note=note,
    )


def _accelerator_names(problems: list[str]) -> list[str]:
    """As torch names them; what goes wrong while asking is added to the problems."""
    import warnings

    import torch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names = [f"cuda:{i}" for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)]
        names += [f"xpu:{i}" for i in range(torch.xpu.device_count() if torch.xpu.is_available() else 0)]
        names += ["mps"] if torch.backends.mps.is_available() else []
    problems += [_first_line(warning.message) for warning in caught]  # a driver that is too old is reported this way
    return names


def _accelerator(name: str) -> Device:
    import torch

    precisions = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    kind, description, memory_bytes, uuid = _facts(name)
    rates, problem = _rates(name, ACCELERATOR_SIZE, precisions)
    native = _native(rates)
    if kind == "cuda":
        with torch.cuda.device(name):
            if not torch.cuda.is_bf16_supported(including_emulation=False):
                native = tuple(precision for precision in native if precision != "bf16")
    return Device(
        name=name,
        kind=kind,
        description=description,
        memory_bytes=memory_bytes,
        rates=rates,
        native=native,
        uuid=uuid,
        note=problem,
    )


def _facts(name: str) -> tuple[Literal["cuda", "xpu", "mps"], str, int, str]:
    """Kind, description, memory in bytes and uuid."""
    import torch

    if name == "mps":
        return "mps", _sysctl("machdep.cpu.brand_string"), torch.mps.recommended_max_memory(), ""
    if name.startswith("xpu"):
        xpu = torch.xpu.get_device_properties(name)
        return "xpu", xpu.name, xpu.total_memory, ""
    cuda = torch.cuda.get_device_properties(name)
    return "cuda", cuda.name, cuda.total_memory, str(getattr(cuda, "uuid", ""))


def _rates(device: str, size: int, precisions: dict[str, Any]) -> tuple[dict[str, float], str]:
    """Matrix-multiply rates in GFLOP/s, and what went wrong.

    Precisions take turns, so that other work on this machine slows all of them alike; the best round counts.
    """
    import torch

    products: dict[str, list[Callable[[], Any]]] = {}
    best, problem = {}, ""
    for precision, dtype in precisions.items():
        try:
            several = _products(torch.randn(size, size, device=device).to(dtype))
            best[precision] = min([_spent_s(product) for product in several])  # the first time warms up
            products[precision] = several
        except (RuntimeError, TypeError) as error:  # the device does not know the type, or has no memory left
            problem = problem or f"{device} cannot multiply in {precision}: {_first_line(error)}"
    rounds, ends_at = 0, time.perf_counter() + BUDGET_S * sum(map(len, products.values()))
    while products and (rounds < MIN_ROUNDS or time.perf_counter() < ends_at):
        rounds += 1
        for precision, several in products.items():
            best[precision] = min([best[precision], *map(_spent_s, several)])
    return {precision: 2 * size**3 / seconds / 1e9 for precision, seconds in best.items()}, problem


def _products(matrix: Any) -> list[Callable[[], Any]]:
    """What multiplies a square matrix by itself: torch's own choice of a library, and on a CPU with vectors of 512 bits
    oneDNN, which zoo asks there (`zoo.training.linear`).
    """
    import torch

    products: list[Callable[[], Any]] = [lambda: matrix @ matrix]
    has_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if matrix.is_cpu and has_onednn and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        needed = "avx512_f" if matrix.dtype == torch.float32 else "avx512_bf16"
        if torch.cpu.get_capabilities().get(needed, False):
            laid_out = torch.ops.mkldnn._reorder_linear_weight(matrix, len(matrix))
            product = torch.ops.mkldnn._linear_pointwise
            products.append(lambda: product(matrix, laid_out, None, "none", [], ""))
    return products


def _spent_s(product: Callable[[], Any]) -> float:
    start = time.perf_counter()
    float(product()[0, 0])  # reading a number waits for the device
    return time.perf_counter() - start


def _native(rates: dict[str, float]) -> tuple[str, ...]:
    bar = NATIVE_RATIO * rates.get("fp32", float("inf"))
    return ("fp32", *(precision for precision, rate in rates.items() if precision != "fp32" and rate >= bar))


def _instruction_sets(capability: tuple[str, ...]) -> tuple[str, ...]:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.lower().startswith(("flags", "features")):
            flags = set(line.partition(":")[2].split())
            return tuple(dict.fromkeys(name for flag, name in _FLAGS.items() if flag in flags))
    if platform.machine().lower() in ("arm64", "aarch64"):
        bf16 = ("bf16",) if _sysctl("hw.optional.arm.FEAT_BF16") == "1" else ()
        return ("neon", *bf16)
    return capability


def _physical_cores() -> int:
    """Physical cores this process may use: its affinity, then the share its control groups grant."""
    import math

    import psutil

    logical = usable_cpus()
    cores = min(logical, psutil.cpu_count(logical=False) or logical)
    if hasattr(os, "sched_getaffinity"):
        topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
        siblings = {line for cpu in os.sched_getaffinity(0) for line in _lines(Path(topology.format(cpu)))}
        cores = len(siblings) or cores
    return max(1, min([cores, *(math.ceil(share) for share in _cpu_shares())]))


def _cpu_shares() -> Iterator[float]:
    """Processors granted by each control group around this process; none where none is limited."""
    for folder in _control_groups("cpu"):
        limits = [
            word for name in ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us") for word in _words(folder / name)
        ]
        if len(limits) == 2 and limits[0].isdecimal() and limits[1].isdecimal():
            yield int(limits[0]) / int(limits[1])


def _memory_limits() -> Iterator[int]:
    for folder in _control_groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            yield from (int(word) for word in _words(folder / name) if word.isdecimal())


def _control_groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups this process is in, innermost first, of either version."""
    for line in _lines(Path("/proc/self/cgroup")):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = Path("/sys/fs/cgroup", controller if controllers else "")
        inner = root / path.lstrip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(root))


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    """Lines of a file of the system; none where there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _sysctl(name: str) -> str:
    """A fact the system of a Mac knows; empty elsewhere, or where it knows no such fact."""
    if sys.platform != "darwin":
        return ""
    return subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False).stdout.strip()


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]


if __name__ == "__main__":
    main()
