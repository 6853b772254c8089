"""The words of a plan: what a training will do, the same in every view."""

from __future__ import annotations

from zoo.plurals import counted
from zoo.runs.events import RunPlanned
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line
from zoo.units import count, duration, size


def source_facts(plan: RunPlanned) -> dict[str, str]:
    """What a training would learn from each of several sources, by their names."""
    examples = {source.name: source.epochs * source.rows for source in plan.sources}
    whole = sum(examples.values()) or 1.0
    return {
        source.name: f"{source.task}, {counted(round(source.epochs, 2), 'epoch')} of {counted(source.rows, 'row')}, "
        f"{examples[source.name] / whole:.0%} of all examples, weight {source.weight:g}"
        for source in plan.sources
    }


def best_fact(plan: RunPlanned) -> str:
    """Which weights of a training on several sources are the best; empty where nothing is held out, or there is one."""
    if not any(source.eval_rows for source in plan.sources):
        return ""
    if plan.best_by:
        return f"the weights of the best evaluation of {one_line(plan.best_by)}"
    return "the weights of the evaluation with the best mean rank over the sources"


def plan_facts(s: RunSnapshot, plan: RunPlanned) -> dict[str, str]:
    """What a training would do; empty where that is not known, as in a loop of a plugin's own."""
    parameters = f"{count(plan.trainable_parameters)} trained of {count(plan.parameters)}"
    return {
        "steps": f"{plan.steps:,} of {counted(plan.batch_size, 'row')}, {counted(plan.epochs, 'epoch')}",
        **{f"source {name}": fact for name, fact in source_facts(plan).items()},
        "kept": best_fact(plan),
        "learning rate": f"{plan.lr:g} at its peak" if plan.lr else "",
        "parameters": parameters if plan.parameters else "",
        "privacy": privacy_fact(plan),
        "micro-batch": f"{counted(plan.micro_batch_size, 'row')} computed at once" if plan.memory_bytes else "",
        "memory": memory_fact(plan),
        "time": "" if s.planned_s is None else f"about {duration(s.planned_s)} of training",
    }


def privacy_fact(plan: RunPlanned) -> str:
    """How a training is private; empty where it is not."""
    if plan.privacy is None:
        return ""
    p = plan.privacy
    unit = f"all rows of one {one_line(p.unit)} (of {p.units:,})" if p.unit else "a row"
    turns = "rounds" if p.rounds else "steps"
    noise = f"noise {p.noise_multiplier:.3g}"
    return f"eps {p.epsilon:g}, delta {p.delta:.2g}: {noise}, {unit} in {p.sample_rate:.2%} of {turns}"


def memory_fact(plan: RunPlanned) -> str:
    """How much memory a dry run has measured, and whether there is as much; empty where it has not."""
    if not plan.memory_bytes:
        return ""
    needed = f"{size(plan.memory_bytes)} at its peak"
    if not plan.memory_limit_bytes:
        return needed
    fits = "fits in" if plan.memory_bytes <= plan.memory_limit_bytes else "does not fit in"
    return f"{needed}, {fits} {size(plan.memory_limit_bytes)} free"
