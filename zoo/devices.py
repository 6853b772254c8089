"""What can compute here, and where a job shall compute.

Devices are measured once, in a child process, and remembered; torch is never imported here. A half precision is native
where the device multiplies matrices at least 1.2 times faster in it than in fp32; a CUDA card must also say that it
has bf16. fp32 is always native.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import msgspec

from zoo import __version__, atomic
from zoo.disk import cause_of
from zoo.errors import DeviceUnavailable, OptionInvalid, Unsupported
from zoo.paths import cache_folder
from zoo.plurals import counted
from zoo.settings.table import DEVICE_NAME, PRECISIONS
from zoo.suggestions import did_you_mean

PROBE_TIMEOUT_S = 120.0
"""Importing torch takes about 10 s on a slow core, and that core may be busy."""
FREE_MEMORY_TIMEOUT_S = 5.0
NO_TORCH = "torch is not installed: only the CPU is known, in fp32"
"""The note of a machine without torch; it is no news for a run of a model that needs none."""
_KINDS = ("cuda", "xpu", "mps", "cpu")
"""In the order of preference."""
_VISIBILITY = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "ONEAPI_DEVICE_SELECTOR",
    "ZE_AFFINITY_MASK",
)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Something that computes."""

    name: str
    """As torch names it: `cpu`, `cuda:0`, `mps`, `xpu:0`."""
    kind: Literal["cpu", "cuda", "mps", "xpu"]
    description: str
    """Model of the processor or card."""
    memory_bytes: int
    free_bytes: int | None = None
    """Memory that is free at this moment; None where the platform does not report it."""
    threads: int = 0
    """Physical cores this process may use; 0 for accelerators."""
    instruction_sets: tuple[str, ...] = ()
    rates: dict[str, float] = {}
    """Matrix-multiply rate by precision, in GFLOP/s, by the fastest of what is used here."""
    native: tuple[str, ...] = ("fp32",)
    """Precisions the hardware computes natively."""
    uuid: str = ""
    """Which card it is, as its driver names it; empty where there is no such name."""
    note: str = ""
    """What could not be found out, and why."""

    @property
    def key(self) -> str:
        """What tells it from others of this machine: its name depends on which are visible to a process."""
        return self.uuid or self.name


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where to compute, and why there."""

    device: str
    precision: str
    reason: str


class _Remembered(msgspec.Struct, frozen=True):
    key: str
    devices: tuple[Device, ...]


def available(*, refresh: bool = False) -> tuple[Device, ...]:
    """The devices of this machine, measured now or remembered; the CPU is always the first.

    Free memory is always that of this moment. Where measuring fails, the CPU is there alone and its note says why.

    Args:
        refresh: measure again.
    """
    path, key = cache_folder() / "devices.json", _key()
    devices = None if refresh else _remembered(path, key)
    if devices is None:
        devices = _measured(path, key)
    return _with_free_memory(devices)


_OTHER_PRECISIONS = {"float32": "fp32", "float": "fp32", "float16": "fp16", "half": "fp16", "bfloat16": "bf16"}
"""What other tools call a precision."""


def choose(
    device: str = "auto",
    precision: str = "auto",
    *,
    supported: Sequence[str] = PRECISIONS,
    devices: Sequence[Device] | None = None,
    users: Mapping[str, int] = {},
    preferred: str = "",
) -> Placement:
    """Settle where to compute.

    Args:
        device: auto, cpu, cuda, cuda:N, mps, xpu or xpu:N.
        precision: auto takes bf16 where it is native and known; fp16 likewise on a CUDA card that has no bf16, as those
            before Ampere; else fp32.
        supported: precisions that the model can compute in.
        devices: what to choose from; those of this machine if not given.
        users: how many compute on an accelerator already, or wait for it, by its key; the one with the fewest is taken.
        preferred: precision that auto takes where the device computes it natively.

    Raises:
        OptionInvalid: not the name of a device or precision.
        DeviceUnavailable: naming the devices there are.
        Unsupported: the device cannot compute in that precision.
    """
    device, precision = place_name(device), place_name(precision)
    if precision not in ("auto", *PRECISIONS):
        hint = did_you_mean(_OTHER_PRECISIONS.get(precision, precision), PRECISIONS)
        raise OptionInvalid(f"--precision is {precision!r}, but takes auto, {', '.join(PRECISIONS)}", hint)
    if device != "auto" and not DEVICE_NAME.fullmatch(device):
        raise OptionInvalid(
            f"--device is {device!r}, but takes auto, cpu, cuda, cuda:N, mps, xpu or xpu:N",
            "auto takes a GPU where there is one; zoo devices lists what is here",
        )
    if (device, precision) == ("cpu", "fp32"):  # always possible: nothing needs to be measured
        return Placement(device=device, precision=precision, reason="as asked")
    here = available() if devices is None else devices
    selected, why = _choose_device(device, here, users)
    if precision == "auto" and preferred in supported and is_native(preferred, selected):
        settled, why_precision = preferred, f"{preferred}, in which it was judged"
    else:
        settled, why_precision = _choose_precision(precision, selected, supported)
    return Placement(device=selected.name, precision=settled, reason=f"{why}; {why_precision}")


def accelerator_keys(device: str, processes: int = 1) -> tuple[str, ...]:
    """Keys of the accelerators that a job computes on, as far as they are remembered; none where it is the CPU.

    Args:
        device: that was chosen for the job.
        processes: each of several takes one device of that kind, from the first on.
    """
    kind = device.partition(":")[0]
    if kind == "cpu":
        return ()
    names = [device] if processes == 1 else [f"{kind}:{index}" for index in range(processes)]
    keys = {one.name: one.key for one in _remembered(cache_folder() / "devices.json", _key()) or ()}
    return tuple(keys.get(name, name) for name in names)


def first_device(device: str, processes: int, requested: str = "auto", devices: Sequence[Device] | None = None) -> str:
    """The device of the first process of a job: several take one accelerator each, from the first of its kind on.

    Args:
        device: that was chosen for the job.
        processes: of the job; those on a processor share it.
        requested: as it was asked for.
        devices: what there is; those of this machine if not given.

    Raises:
        Unsupported: there are fewer.
        OptionInvalid: another device than the first was asked for.
    """
    kind, _, index = device.partition(":")
    if processes == 1 or kind == "cpu":
        return device
    if requested == device and index not in ("", "0"):
        raise OptionInvalid(
            f"--device is {device}, and {processes} processes take the first {processes} {kind} devices",
            f"use --device {kind}",
        )
    there = sum(1 for one in (available() if devices is None else devices) if one.kind == kind)
    if there < processes:
        raise Unsupported(
            f"{processes} processes were asked for, but {counted(there, f'{kind} device', 'are')} here",
            f"use --processes {there}, or --device cpu",
        )
    return f"{kind}:0" if index else device


def devices_elsewhere(gpus: int) -> tuple[Device, ...]:
    """What computes on another machine, as far as it is known here: a processor like this one, and so many GPUs.

    Args:
        gpus: that a job has for itself there; they are taken for such as compute bf16.
    """
    processors = tuple(one for one in available() if one.kind == "cpu")
    return processors + tuple(
        Device(name=f"cuda:{index}", kind="cuda", description="a GPU of that place", memory_bytes=0, native=_OF_GPUS)
        for index in range(gpus)
    )


_OF_GPUS = ("fp32", "bf16", "fp16")
"""Precisions of all that NVIDIA has made since Ampere."""


def most_memory() -> int:
    """Bytes that are free on the device with the most of it; all that it has where the platform tells no more."""
    return max(device.memory_bytes if device.free_bytes is None else device.free_bytes for device in available())


def place_name(place: object) -> str:
    """A device or precision by its name, where Python gives none or torch's own object."""
    return "auto" if place is None else str(place)


def is_native(precision: str, device: Device) -> bool:
    """Whether a device computes in a precision by itself; 8 bits are those of the processors that oneDNN knows."""
    if precision == "int8":
        return device.kind == "cpu" and platform.machine().lower() in ("x86_64", "amd64")
    return precision in device.native


def cpu_model() -> str:
    """Model of the processor, as far as it can be known without starting a program."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cpus() -> int:
    """Logical processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def computing_threads(processes: int = 1) -> int:
    """Threads that torch computes with where nobody says otherwise: as many as there are cores for each process."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) and processes == 1:
        return int(asked)
    import psutil

    cores = min(usable_cpus(), psutil.cpu_count(logical=False) or usable_cpus())
    return max(1, cores // processes)


def _choose_device(name: str, here: Sequence[Device], users: Mapping[str, int]) -> tuple[Device, str]:
    fitting = [device for device in here if name in ("auto", device.name, device.kind)]
    notes = [device.note for device in here if device.note]
    if not fitting:
        hint = f"there is {', '.join(device.name for device in here)}"
        raise DeviceUnavailable(f"there is no {name} here", "; ".join([hint, *notes]))

    def used(device: Device) -> int:
        return users.get(device.key, 0)

    best = min(
        fitting,
        key=lambda device: (
            _KINDS.index(device.kind),
            used(device),
            -(device.free_bytes or 0),
            -device.memory_bytes,
        ),
    )
    why = "as asked"
    if name == "auto":
        why = "no accelerator found" if best.kind == "cpu" else f"the fastest kind here: {best.description}"
    others = [device for device in fitting if device.kind == best.kind and device != best]
    if any(used(device) > used(best) for device in others):
        why += f", the {best.kind} that the fewest runs need"
    elif others and best.free_bytes is not None:
        why += f", the {best.kind} with the most free memory"
    return best, "; ".join([why, best.note] if best.note not in ("", NO_TORCH) else [why])


def _choose_precision(precision: str, device: Device, supported: Sequence[str]) -> tuple[str, str]:
    if precision == "fp16" and device.kind == "cpu":
        raise Unsupported("a CPU computes fp16 far slower than fp32", "use --precision bf16 or fp32")
    if precision == "int8" and device.kind != "cpu":
        raise Unsupported(f"int8 is computed on the CPU only, not on {device.name}", "use --device cpu, or bf16")
    if precision in ("fp32", "int8", *device.native):
        return precision, f"{precision} as asked"
    if precision != "auto":
        return precision, f"{precision} as asked, though it is not native here and slower than fp32 or no faster"
    if "bf16" in device.native:
        known = "bf16" in supported
        return ("bf16", f"bf16 is native here{_gain('bf16', device)}") if known else ("fp32", "the model knows no bf16")
    if device.kind == "cuda" and "fp16" in device.native and "fp16" in supported:
        return "fp16", f"bf16 is not native here, but fp16 is{_gain('fp16', device)}"
    return "fp32", "bf16 is not native here" if "bf16" in supported else "the model knows no bf16"


def _gain(precision: str, device: Device) -> str:
    rates = device.rates
    return f", {rates[precision] / rates['fp32']:.1f}x the rate of fp32" if {precision, "fp32"} <= rates.keys() else ""


def _remembered(path: Path, key: str) -> tuple[Device, ...] | None:
    """What was measured before; None if nothing was, elsewhere, by another version, or if the file is broken."""
    try:
        remembered = msgspec.json.decode(path.read_bytes(), type=_Remembered)
    except (OSError, ValueError):  # broken UTF-8 is a ValueError, as is everything msgspec raises
        return None
    if remembered.key != key or not remembered.devices or remembered.devices[0].kind != "cpu":
        return None
    return remembered.devices


def _measured(path: Path, key: str) -> tuple[Device, ...]:
    """Measure and remember; a failure is not remembered, so that the next call tries again."""
    try:
        devices = _probe()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        note = f"the devices of this machine could not be measured: {_last_words(error)}"
        return (_unmeasured_cpu(f"{note} (python -m zoo.device_probe shows more)"),)
    try:
        atomic.write_bytes(path, msgspec.json.encode(_Remembered(key, devices)))
    except OSError as error:
        return _noted(devices, f"what was measured could not be remembered: {cause_of(error, path).reason}")
    return devices


def _probe() -> tuple[Device, ...]:
    process = subprocess.run(
        # -P: a file called torch.py in the folder a person happens to be in is not ours to run.
        [sys.executable, "-P", "-m", "zoo.device_probe"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PROBE_TIMEOUT_S,
        check=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    return msgspec.json.decode(process.stdout, type=tuple[Device, ...])


def _last_words(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer within {error.timeout:.0f} s"
    stderr = getattr(error, "stderr", None) or b""
    return stderr.decode(errors="replace").strip().rpartition("\n")[2] or str(error)


def _unmeasured_cpu(note: str) -> Device:
    import psutil

    return Device(
        name="cpu",
        kind="cpu",
        description=cpu_model(),
        memory_bytes=psutil.virtual_memory().total,
        threads=min(usable_cpus(), psutil.cpu_count(logical=False) or usable_cpus()),
        note=note,
    )


def _noted(devices: tuple[Device, ...], note: str) -> tuple[Device, ...]:
    first = devices[0]
    notes = "; ".join([first.note, note] if first.note else [note])
    return (msgspec.structs.replace(first, note=notes), *devices[1:])


def _with_free_memory(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    import psutil

    system: int = psutil.virtual_memory().available
    cards = _free_on_cards() if any(device.kind == "cuda" for device in devices) else {}

    def free(device: Device) -> int | None:
        if device.kind in ("cpu", "mps"):  # an Apple GPU computes in the system's memory
            return min(system, device.memory_bytes)
        return cards.get(device.uuid)

    return tuple(msgspec.structs.replace(device, free_bytes=free(device)) for device in devices)


def _free_on_cards() -> dict[str, int]:
    """Free bytes by uuid, asked of the driver's own tool; empty where there is no such tool."""
    query = ["nvidia-smi", "--query-gpu=uuid,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=FREE_MEMORY_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}  # the driver of another maker: not knowing is an answer, and the largest card is taken
    rows = re.findall(r"^GPU-(\S+), *(\d+)\s*$", answer, re.MULTILINE)
    return {uuid: int(mebibytes) * 2**20 for uuid, mebibytes in rows}


def _key() -> str:
    """What a measurement depends on."""
    visible = [f"{name}={os.environ.get(name, '')}" for name in _VISIBILITY]
    try:
        torch_version = version("torch")
    except PackageNotFoundError:
        torch_version = "none"
    installed = [f"zoo {__version__}", f"torch {torch_version}", f"python {platform.python_version()}"]
    return "; ".join([platform.node(), cpu_model(), f"{usable_cpus()} cpus", *installed, *visible])
