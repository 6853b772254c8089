"""What can compute here, and where a job shall compute.

Devices are measured once, in a child process, and remembered; torch is never imported here. A half precision is native
where the device multiplies matrices at least 1.2 times faster in it than in fp32.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import msgspec

from zoo import atomic
from zoo.errors import DeviceUnavailable, OptionInvalid, Unsupported
from zoo.paths import cache_folder

PROBE_TIMEOUT_S = 180.0
PRECISIONS = ("fp32", "bf16", "fp16")
_KINDS = ("cuda", "xpu", "mps", "cpu")
"""In the order of preference."""
_NAME = re.compile(r"(cpu|mps|cuda|xpu)(?::(\d+))?")
_VISIBILITY = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Something that computes."""

    name: str
    """As torch names it: `cpu`, `cuda:0`, `mps`, `xpu:0`."""
    kind: str
    description: str
    """Model of the processor or card."""
    memory_bytes: int
    threads: int = 0
    """Physical cores this process may use; 0 for accelerators."""
    instruction_sets: tuple[str, ...] = ()
    rates: dict[str, float] = {}
    """Matrix-multiply rate by precision, in GFLOP/s."""
    native: tuple[str, ...] = ("fp32",)
    """Precisions the hardware computes natively."""


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where to compute, and why there."""

    device: str
    precision: str
    reason: str


class _Remembered(msgspec.Struct, frozen=True):
    key: str
    devices: tuple[Device, ...]


def available(*, refresh: bool = False) -> tuple[Device, ...]:
    """The devices of this machine, measured now or remembered; the CPU is always there.

    Args:
        refresh: measure again.

    Raises:
        Unsupported: the measuring process failed.
    """
    path, key = cache_folder() / "devices.json", _key()
    if not refresh:
        try:
            remembered = msgspec.json.decode(path.read_bytes(), type=_Remembered)
        except (OSError, msgspec.DecodeError):
            remembered = None  # not measured yet, or written by another version
        if remembered is not None and remembered.key == key:
            return remembered.devices
    devices = _probe()
    atomic.write_bytes(path, msgspec.json.encode(_Remembered(key, devices)))
    return devices


def choose(device: str = "auto", precision: str = "auto", *, devices: Sequence[Device] | None = None) -> Placement:
    """Settle where to compute.

    Args:
        device: auto, cpu, cuda, cuda:N, mps, xpu or xpu:N.
        precision: auto takes bf16 where it is native, else fp32.
        devices: what to choose from; those of this machine if not given.

    Raises:
        OptionInvalid: not the name of a device or precision.
        DeviceUnavailable: naming the devices there are.
        Unsupported: the device cannot compute in that precision.
    """
    if precision not in ("auto", *PRECISIONS):
        raise OptionInvalid(f"--precision is {precision!r}, but takes auto, {', '.join(PRECISIONS)}")
    if device != "auto" and not _NAME.fullmatch(device):
        raise OptionInvalid(f"--device is {device!r}, but takes auto, cpu, cuda, cuda:N, mps, xpu or xpu:N")
    if (device, precision) == ("cpu", "fp32"):  # always possible: nothing needs to be measured
        return Placement(device=device, precision=precision, reason="as asked")
    here = available() if devices is None else devices
    chosen, why = _choose_device(device, here)
    settled, why_precision = _choose_precision(precision, chosen)
    return Placement(device=chosen.name, precision=settled, reason=f"{why}; {why_precision}")


def _choose_device(asked: str, here: Sequence[Device]) -> tuple[Device, str]:
    if asked == "auto":
        best = min(here, key=lambda device: (_KINDS.index(device.kind), -device.memory_bytes))
        why = "no accelerator found" if best.kind == "cpu" else f"the fastest kind here: {best.description}"
        return best, why
    for device in here:
        if asked in (device.name, device.kind):
            return device, "as asked"
    raise DeviceUnavailable(f"there is no {asked} here", f"there is {', '.join(device.name for device in here)}")


def _choose_precision(asked: str, device: Device) -> tuple[str, str]:
    if asked == "fp16" and device.kind == "cpu":
        raise Unsupported("a CPU computes fp16 far slower than fp32", "use --precision bf16 or fp32")
    if asked != "auto":
        slower = "" if asked in device.native else ", though it is not native here and may be slower than fp32"
        return asked, f"{asked} as asked{slower}"
    if "bf16" in device.native:
        ratio = device.rates["bf16"] / device.rates["fp32"]
        return "bf16", f"bf16 is native here, {ratio:.1f}x the rate of fp32"
    return "fp32", "bf16 is not native here"


def _probe() -> tuple[Device, ...]:
    try:
        process = subprocess.run(
            [sys.executable, "-m", "zoo.device_probe"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            check=True,
        )
        return msgspec.json.decode(process.stdout, type=tuple[Device, ...])
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        said = getattr(error, "stderr", None) or b""
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise Unsupported(
            f"the devices of this machine cannot be measured: {last or error}",
            "python -m zoo.device_probe shows the whole error",
        ) from error


def _key() -> str:
    """What a measurement depends on."""
    import platform

    try:
        torch_version = version("torch")
    except PackageNotFoundError:
        torch_version = "none"
    visible = [f"{name}={os.environ.get(name, '')}" for name in _VISIBILITY]
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return " ".join([platform.node(), platform.python_version(), torch_version, str(cpus), *visible])
