"""What a training takes."""

from __future__ import annotations

import msgspec

from zoo.blocks import Block, Paragraph, Table
from zoo.diagnosis.finding import Remedy
from zoo.planning.machine import Machine


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that the parts of a training take; weights that have to be fetched apart."""

    start_s: float
    """Until all is read and built."""
    first_step_s: float
    """From the start of the run to the end of the first step."""
    epoch_s: float
    """The steps of one pass over the data."""
    evaluation_s: float
    """One evaluation of the rows held out; 0 where there are none."""
    evaluations: int
    end_s: float
    """To write the result and to look at what it answers wrongly."""
    total_s: float
    folds_s: float = 0.0
    """Of it, the models of the folds beside the result."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The most that is in use at once."""

    worker_bytes: int
    """Of the machine, by the processes of the run."""
    worker_limit_bytes: int
    """What they can have."""
    device_bytes: int = 0
    """Of the accelerator, by the process that needs most; 0 where there is none."""
    device_limit_bytes: int = 0

    @property
    def fits(self) -> bool:
        """Whether there is as much."""
        worker = not self.worker_limit_bytes or self.worker_bytes <= self.worker_limit_bytes
        return worker and (not self.device_limit_bytes or self.device_bytes <= self.device_limit_bytes)


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """What the run writes."""

    checkpoints: int
    """How many are written."""
    checkpoint_bytes: int
    """Of one."""
    best_bytes: int
    """Of the weights of the best evaluation; 0 where nothing is held out."""
    result_bytes: int
    needed_bytes: int
    """The most of all of it that is there at once."""
    free_bytes: int
    """Where runs are kept."""


class PlanWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something that will not do."""

    what: str
    remedies: tuple[Remedy, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A training that has not been begun: what it would do, and what that takes here."""

    command: str
    """That begins it."""
    model: str
    task: str
    device: str
    precision: str
    processes: int
    """On each machine."""
    nodes: int = 1
    """Machines that share it."""
    place: str = ""
    """Where it was measured, and would run; empty for this machine."""
    processor: str = ""
    """Model of the one that it was measured on; empty where nobody said it."""
    train_rows: int
    eval_rows: int
    rejected_rows: int
    steps: int
    epochs: float
    batch_size: int
    parameters: int
    trainable_parameters: int
    folds: int = 0
    """Models that learn beside the result, each without the rows that it judges."""
    fetch_bytes: int | None
    """Of weights that were not here when the plan was made; None where nobody knows how many."""
    measured_steps: int = 0
    """How many steps were taken to know it; 0 where the plugin trains by a loop of its own, and nothing is known."""
    time: Times | None = None
    memory: Memory | None = None
    disk: Disk | None = None
    machine: Machine | None
    """This one; None where it was measured at a place."""
    warnings: tuple[PlanWarning, ...] = ()
    remarks: tuple[str, ...] = ()
    """What else the run would say of its data and its settings before it begins."""

    def report(self) -> tuple[Block, ...]:
        """As it is shown anywhere."""
        from zoo.planning.words import cost_facts

        rows = tuple(cost_facts(self).items())
        words = [
            Paragraph(text="\n".join([one.what, *(f"{remedy.command}  ({remedy.what})" for remedy in one.remedies)]))
            for one in self.warnings
        ]
        return (Table(headers=("what", "figure"), rows=rows), *words)

    def _repr_html_(self) -> str:
        """The plan as a notebook shows it."""
        from zoo.rendering.html import html

        return html(self.report())
