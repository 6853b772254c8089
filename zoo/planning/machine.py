"""The machine that a plan is made on, and what else it is busy with."""

from __future__ import annotations

import os

import msgspec

from zoo import memory
from zoo.devices import available, cpu_model, usable_cpus
from zoo.errors import ZooError
from zoo.runs import liveness, store
from zoo.units import size


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What computes, and what else does so here."""

    processor: str
    cores: int
    """Logical processors that a run may use."""
    memory_bytes: int
    free_bytes: int
    """Of memory; of the machine, or of the container that zoo is in."""
    device: str
    """That a run computes on, as torch names it."""
    device_name: str = ""
    """Its model; empty where it is the processor."""
    device_memory_bytes: int = 0
    device_free_bytes: int | None = None
    processors: int = 0
    """All that the machine has, as `load` is of all of it; 0 where that is not known."""
    load: float | None = None
    """Processes that computed here in the last minute, on average, those of other containers and of zoo included; None
    where the system keeps no count."""
    runs: tuple[str, ...] = ()
    """Other runs of zoo that are going on."""

    @property
    def is_busy(self) -> bool:
        """Whether others compute here, or may: more than half of the processors are taken."""
        return bool(self.runs) or (self.load is not None and self.load > (self.processors or self.cores) / 2)

    def facts(self) -> str:
        """In a line."""
        cores = f"{self.cores} processors"
        parts = [f"{self.processor}, {cores}, {size(self.free_bytes)} of {size(self.memory_bytes)} memory free"]
        if self.device_name:
            free = "" if self.device_free_bytes is None else f"{size(self.device_free_bytes)} of "
            parts.append(f"{self.device}: {self.device_name}, {free}{size(self.device_memory_bytes)}")
        if self.runs:
            parts.append(f"beside {', '.join(self.runs)}")
        if self.load is not None:
            parts.append(f"load {self.load:.1f}")
        return "; ".join(parts)


def this_machine(device: str) -> Machine:
    """As it is now, before anything is measured.

    Args:
        device: that a run will compute on.
    """
    import psutil

    selected = None if device == "cpu" else next((one for one in available() if one.name == device), None)
    return Machine(
        processor=cpu_model(),
        cores=usable_cpus(),
        memory_bytes=int(psutil.virtual_memory().total),
        free_bytes=memory.available_bytes(),
        device=device,
        device_name=selected.description if selected else "",
        device_memory_bytes=selected.memory_bytes if selected else 0,
        device_free_bytes=selected.free_bytes if selected else None,
        processors=os.cpu_count() or 0,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        runs=tuple(run.name for run in store.all_runs() if liveness.is_alive(run) and not _is_trial(run)),
    )


def _is_trial(run: store.RunFolder) -> bool:
    try:
        return run.request.dry_run
    except ZooError:
        return False
