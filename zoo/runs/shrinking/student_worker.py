"""The worker of a run as one of the networks that it trains sees it: a folder, a log and a request of its own."""

from __future__ import annotations

import msgspec

from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.candidate import CandidateStepped
from zoo.runs.events import (
    AnyEvent,
    ExampleRejected,
    InputsPrepared,
    MicroBatchHalved,
    Noted,
    RunPlanned,
    StepCompleted,
    TeacherAnswered,
    Warned,
    WeightsFetched,
)
from zoo.runs.log import append
from zoo.runs.request import StudentRequest
from zoo.runs.store import RunFolder

_PASSED_ON = (TeacherAnswered, InputsPrepared, WeightsFetched, CandidateStepped)
"""Events of its training that are those of the run, too."""


class StudentWorker(Worker):
    """The worker of a run, as the training of one of its networks sees it.

    What happens is written beside its checkpoints; the run is told how far it is.

    Args:
        worker: of the run.
        student: the network.
        within: folders below that of the network, where it is trained several times.
    """

    def __init__(self, worker: Worker, student: StudentRequest, *within: str) -> None:
        folder = RunFolder(worker.folder.students_folder.joinpath(student.name, *within))
        folder.path.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, student.training, rank=0, world_size=1)
        self._worker, self._name = worker, student.name
        self._plan: RunPlanned | None = None

    def should_stop(self) -> bool:
        """Whether someone asked the run to stop."""
        return self._worker.should_stop()

    def emit(self, event: AnyEvent) -> None:
        """Append to the log of the training; what matters to the run is told there, too."""
        append(self.folder, event)
        if isinstance(event, RunPlanned):
            self._plan = event
        if isinstance(event, StepCompleted):
            event = self._stepped(event)
        if isinstance(event, Noted | Warned):
            event = msgspec.structs.replace(event, message=f"{self._name}: {event.message}")
        elif isinstance(event, ExampleRejected):
            rejected = f"{counted(event.total, 'row')} rejected, one for this reason: {event.reason}"
            event = Noted(message=f"{self._name}: {rejected}")
        elif isinstance(event, MicroBatchHalved):
            event = Noted(message=f"{self._name}: computes {event.micro_batch_size:,} at once from now on")
        elif not isinstance(event, _PASSED_ON):
            return
        self._worker.emit(event)

    def _stepped(self, event: StepCompleted) -> CandidateStepped:
        rows = (event.steps - event.step) * (self._plan.batch_size if self._plan else 0)
        return CandidateStepped(
            name=self._name,
            step=event.step,
            steps=event.steps,
            loss=event.loss,
            left_s=rows / event.samples_per_s if rows and event.samples_per_s else None,
        )
