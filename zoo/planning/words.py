"""The words of what a training takes, the same in every view."""

from __future__ import annotations

from zoo.planning.plan import Disk, Memory, Plan, Times
from zoo.plurals import counted
from zoo.units import duration, size


def cost_facts(plan: Plan) -> dict[str, str]:
    """What a training takes; without what is not known."""
    facts = {
        "fetch": "" if plan.fetch_bytes == 0 else fetch_fact(plan.fetch_bytes),
        "memory": memory_fact(plan.memory) if plan.memory else "",
        "device memory": device_fact(plan.memory) if plan.memory else "",
        "disk": disk_fact(plan.disk) if plan.disk else "",
        "time": time_fact(plan.time) if plan.time else "",
        "parts": parts_fact(plan.time) if plan.time else "",
        "folds": folds_fact(plan) if plan.folds else "",
        "measured": f"over {counted(plan.measured_steps, 'step')}" if plan.measured_steps else "",
        "machine": plan.machine.facts() if plan.machine else place_fact(plan),
    }
    return {name: fact for name, fact in facts.items() if fact}


def place_fact(plan: Plan) -> str:
    """Where else than on this machine it was measured."""
    machines = "" if plan.nodes == 1 else f"{plan.nodes} machines of "
    return f"{machines}place {plan.place}{f', {plan.processor}' if plan.processor else ''}"


def shared_by(processes: int, nodes: int) -> str:
    """Processes, and machines where there are several."""
    said = counted(processes, "process")
    return f"{said} on each of {nodes} nodes" if nodes > 1 else said


def fetch_fact(fetch_bytes: int | None) -> str:
    """What has to come from elsewhere."""
    return "weights of unknown size" if fetch_bytes is None else size(fetch_bytes)


def memory_fact(memory: Memory) -> str:
    """Of the machine; of several, of the one that needs most."""
    return _compared(memory.worker_bytes, memory.worker_limit_bytes)


def device_fact(memory: Memory) -> str:
    """Of the accelerator; empty where there is none."""
    return _compared(memory.device_bytes, memory.device_limit_bytes) if memory.device_bytes else ""


def disk_fact(disk: Disk) -> str:
    """What is written, and how much room there is."""
    parts = [f"result {size(disk.result_bytes)}"]
    if disk.checkpoints:
        written = counted(disk.checkpoints, "checkpoint")
        parts.append(f"{written} of {size(disk.checkpoint_bytes)}")
    if disk.needed_bytes > disk.result_bytes:
        parts.append(f"{size(disk.needed_bytes)} at once at most")
    fits = "fits in" if disk.needed_bytes <= disk.free_bytes else "does not fit in"
    return f"{', '.join(parts)}, {fits} {size(disk.free_bytes)} free"


def time_fact(times: Times) -> str:
    """Of the whole run."""
    return f"about {seconds(times.total_s)} in all, the first step done after {seconds(times.first_step_s)}"


def parts_fact(times: Times) -> str:
    """Of what the time is made."""
    parts = [f"start {seconds(times.start_s)}", f"epoch {seconds(times.epoch_s)}"]
    if times.evaluations:
        parts.append(f"{counted(times.evaluations, 'evaluation')} of {seconds(times.evaluation_s)}")
    return ", ".join([*parts, f"end {seconds(times.end_s)}"])


def folds_fact(plan: Plan) -> str:
    """Of the models beside the result."""
    models = f"{counted(plan.folds, 'model')} beside the result"
    return f"{models}, {seconds(plan.time.folds_s)} of the time" if plan.time else f"{models}, each about as long"


def seconds(number: float) -> str:
    """A time that may be short: 0.42s, 7.1s, 42s, 3m05s."""
    if number < 1:
        return f"{number:.2f}s"
    return f"{number:.1f}s" if number < 10 else duration(number)


def _compared(needed: int, limit: int) -> str:
    fact = f"{size(needed)} at its peak"
    if not limit:
        return fact
    return f"{fact}, {'fits in' if needed <= limit else 'does not fit in'} {size(limit)} free"
