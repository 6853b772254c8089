"""One attempt at making a model smaller, and what it tries: forms of the model, each made in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from zoo.ability_options import option_set, parse_recorded
from zoo.answers import Rejected
from zoo.card import Card
from zoo.data.example import Example
from zoo.devices import Device, available, is_native
from zoo.options import parse
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, CandidateMeasured
from zoo.runs.context import PredictionRun
from zoo.runs.events import Noted
from zoo.runs.preparation import judging_options
from zoo.runs.shrinking.gate import Judged
from zoo.shrink_options import ORIGINAL, ShrinkOptions
from zoo.tasks import get_task
from zoo.tasks.task import Task


class Model(NamedTuple):
    """A network in a folder, as it is loaded to answer."""

    plugin: Plugin
    card: Card
    base: str
    """Name of the plugin's card whose architecture it has."""
    folder: Path
    """Has all tensors in one file."""
    precision: str
    """That it computes in."""


class Form(Protocol):
    """One way to make a model smaller, a candidate of the gate."""

    @property
    def name(self) -> str:
        """In the table; what comes of it says so as its format."""

    @property
    def words(self) -> str:
        """What it is, for the README of what comes of it."""

    @property
    def student(self) -> str:
        """Name of the network among those that the run trains; empty for the model itself."""

    @property
    def trainable(self) -> bool:
        """Whether it is a network as its plugin writes it, which can be trained further."""

    def usage(self, name: str) -> str:
        """How other libraries read what comes of it, for its README.

        Args:
            name: of the model.
        """

    def make(self, folder: Path) -> Model:
        """Make it; what goes wrong is told of this candidate, and the others go on.

        Args:
            folder: of the candidate, which does not exist; all that is in it becomes the result if it is chosen.

        Raises:
            Exception: it cannot be made.
            Stopped: somebody asked the run to stop.
        """


@dataclass
class Attempt:
    """What is known while a model is made smaller."""

    worker: Worker
    task: Task
    model: Model
    """As it is."""
    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    """The rows of the gate."""
    columns: dict[str, str]
    """Of these, by role."""
    scratch: Path
    """Has a folder for each candidate."""
    measured: dict[str, Candidate] = field(default_factory=dict)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    """Of each candidate, to all rows."""

    def __post_init__(self) -> None:
        self.options = parse(ShrinkOptions, self.worker.request.shrinking)
        self.options.check_packages()
        here = available()
        self.device: Device = next((one for one in here if one.name == self.worker.request.device), here[0])

    @property
    def place(self) -> str:
        """Where it is measured: what holds here need not hold elsewhere."""
        sets = f", {' '.join(self.device.instruction_sets)}" if self.device.instruction_sets else ""
        return f"measured on {self.device.description}{sets}"

    @property
    def original(self) -> Candidate:
        """The model as it is, as it was measured."""
        return self.measured[ORIGINAL]

    def folder_of(self, name: str) -> Path:
        """Of a candidate."""
        return self.scratch / name.replace(" ", "+")  # which the name of no model has

    def keep_answered(self, answers: list[Any]) -> int:
        """Keep the rows that the model as it is can answer; returns how many it cannot."""
        kept = [not isinstance(answer, Rejected) for answer in answers]
        self.examples = tuple(one for one, is_kept in zip(self.examples, kept, strict=True) if is_kept)
        self.answers[ORIGINAL] = [one for one, is_kept in zip(answers, kept, strict=True) if is_kept]
        return kept.count(False)

    def judged(self, name: str) -> list[Judged]:
        """The rows with the answers of a candidate."""
        return [(one.target, answer) for one, answer in zip(self.examples, self.answers[name], strict=True)]

    def precision_of(self, card: Card, *preferred: str) -> str:
        """What a network computes in: the first of these that it knows and this device has, else fp32."""
        known = card.ability("predict", self.task.name).precisions
        return next((one for one in preferred if one in known and is_native(one, self.device)), "fp32")

    def prediction_run(self, model: Model) -> PredictionRun:
        """A model as its plugin loads it."""
        request = self.worker.request
        ability = model.card.ability("predict", request.task)
        known = option_set(ability).__struct_fields__
        options = {name: value for name, value in judging_options(self.worker.request).items() if name in known}
        return PredictionRun(
            card=model.card,
            task=get_task(request.task),
            weights=model.folder,
            options=parse_recorded(ability, options),
            device=request.device,
            precision=model.precision,
            note=self.note,
        )

    def note(self, message: str) -> None:
        """Say something that the person may want to know."""
        self.worker.emit(Noted(message=message))

    def report(self, candidate: Candidate) -> None:
        """Tell what is known of a candidate; the newest of a name holds."""
        self.measured[candidate.name] = candidate
        self.worker.emit(CandidateMeasured(candidate=candidate))
