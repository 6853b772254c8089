"""The rows of an audit: those that a model learnt from, and others like them that it did not."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import cast

from zoo.ability_options import parse_recorded
from zoo.card import Card
from zoo.data import load, match_labels
from zoo.data.columns import own_columns
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.data.units import units_by_row
from zoo.errors import DatasetInvalid, UnknownModel
from zoo.hyperparameters import DataOptions
from zoo.plurals import counted
from zoo.privacy import unit_column
from zoo.runs.attempt import Worker
from zoo.runs.events import DataLoaded, Noted, Warned
from zoo.runs.quarantine import check_digest
from zoo.runs.request import RunRequest
from zoo.runs.store import training_of
from zoo.runs.trained_on import learnt_from
from zoo.runs.training_data import TrainingData, load_training_data
from zoo.tasks.task import Task

FEWEST = 20
"""Rows on either side: an interval of fewer says nothing."""
MOST = 20_000
"""Likewise; of more, as many are drawn, since more make no interval much shorter."""


@dataclass(frozen=True)
class AuditRows:
    """What an attack is tried on."""

    members: tuple[Example, ...]
    """That the model learnt from."""
    others: tuple[Example, ...]
    left: tuple[Example, ...] = ()
    """Of either side, where there are too many to ask about all."""
    whose: Mapping[int, str] = field(default_factory=dict)
    """Whose an example is, by its `id`, where the run protects people."""

    @property
    def all(self) -> tuple[Example, ...]:
        """Those of both sides that are asked about, and those that are not."""
        return (*self.members, *self.others, *self.left)

    @property
    def are_apart(self) -> bool:
        """Whether it is known whose all rows are that are asked about, and nobody has some on both sides."""
        members, others = ({self.whose.get(id(one)) for one in side} for side in (self.members, self.others))
        return None not in members | others and members.isdisjoint(others)

    def units(self, examples: Sequence[Example]) -> list[bytes]:
        """A key for each, the same for those of one person; for those with the same input where nobody is known."""
        return [
            b"unit " + self.whose[id(example)].encode() if id(example) in self.whose else b"input " + input_key(example)
            for example in examples
        ]


def training_behind(card: Card, find: Callable[[str], Card]) -> tuple[Card, RunRequest] | None:
    """The model that learnt from rows, where it or one made smaller of it is the result of a run, and what that run was
    asked to do; None for a model that comes with a plugin.

    Args:
        card: of the model.
        find: the card of a model by its whole name.

    Raises:
        StoreInvalid: a run cannot be read.
    """
    while (training := training_of(card)) is not None and training.verb == "shrink":
        card = find(training.model)
    return None if training is None else (card, training)


def begun_from(training: RunRequest, find: Callable[[str], Card]) -> Card | None:
    """The model that a run began from; None where it is gone, and never another one whose name only begins so.

    Args:
        training: what the run was asked to do.
        find: the card of a model by its whole name.
    """
    try:
        card = find(training.model)
    except UnknownModel:
        return None
    return card if card.full_name == training.model else None


def load_rows(
    worker: Worker, card: Card, task: Task, learnt: Card, training: RunRequest | None, parent: Card | None
) -> AuditRows:
    """Read both sides, and leave out what belongs on neither, or on both.

    Args:
        worker: of the run.
        card: of the model that is audited.
        task: that it answers.
        learnt: the model that learnt from rows: the same, but for one that was made smaller.
        training: what the run of that was asked to do.
        parent: the model which that run began from, or its result where that is gone: options and columns are the same.

    Raises:
        DatasetInvalid: too few are left.
    """
    data = worker.request.data
    own: TrainingData | None = None
    if worker.request.own_rows or not data.eval_path:
        assert training is not None  # see `zoo.audit_data`
        assert parent is not None
        own = _own_rows(worker, task, training, parent)
    members = _targeted(own.train) if own and worker.request.own_rows else _read(worker, card, task, data.path)
    others = _read(worker, card, task, data.eval_path) if data.eval_path else _targeted(own.eval if own else ())
    whose = _whose(worker, training, members, others)
    rows = _drawn(worker, replace(_unmixed(worker, learnt.name, members, others), whose=whose))
    check_sides(card.name, len(rows.members), len(rows.others))
    units = min(len(set(rows.units(side))) for side in (rows.members, rows.others))
    if units < FEWEST:
        of_whom = "people" if whose else "inputs"
        worker.emit(Warned(message=f"the rows of one side are of {units} {of_whom}, of which intervals say little"))
    columns = own_columns(data.path, own.columns) if own else {}
    worker.emit(DataLoaded(eval_rows=len(rows.members) + len(rows.others), labels=card.labels, columns=columns))
    worker.emit(
        Noted(message=f"{counted(len(rows.members), 'row')} that it learnt from, {len(rows.others):,} that it did not")
    )
    return rows


def check_sides(model: str, members: int, others: int) -> None:
    """Insist on enough rows on either side.

    Args:
        model: its name.
        members: that it learnt from.
        others: that it did not.

    Raises:
        DatasetInvalid: there are too few.
    """
    for count, what in ((members, "that it learnt from"), (others, "that it did not learn from")):
        if count < FEWEST:
            raise DatasetInvalid(
                f"there are {counted(count, 'row')} of {model} {what}, and an audit needs {FEWEST}",
                "name a file with more: --data has the rows that it learnt from, --held-out others like them",
            )


def told_apart(model: str, members: Sequence[Example], others: Sequence[Example]) -> AuditRows:
    """Both sides without rows that the record of a model puts on the other one, or that stand on both.

    Args:
        model: that learnt from rows.
        members: those that it is said to have learnt from.
        others: those that it is said not to have.
    """
    known = learnt_from(model, members) or [True] * len(members)
    members = [example for example, was_learnt in zip(members, known, strict=True) if was_learnt]
    keys = set(map(input_key, members))
    learnt = learnt_from(model, others) or [False] * len(others)
    apart = (
        example
        for example, was_learnt in zip(others, learnt, strict=True)
        if not was_learnt and input_key(example) not in keys
    )
    return AuditRows(tuple(members), tuple(apart))


def _own_rows(worker: Worker, task: Task, training: RunRequest, parent: Card) -> TrainingData:
    """The rows of the model's run, divided as it divided them; a process other than the first says nothing of them."""
    options = cast("DataOptions", parse_recorded(parent.ability("finetune", task.name), training.options))
    trained = {} if training.new_heads else parent.columns
    divided = task.divided_at(training.data.separator).named_by(training.data.classes)
    return load_training_data(replace(worker, request=training, rank=1), divided, options, trained)


def protected_column(training: RunRequest) -> str:
    """The column that says whom a run protects; empty where it protects rows, or nothing."""
    return unit_column(SimpleNamespace(**training.options))


def _whose(
    worker: Worker, training: RunRequest | None, members: Sequence[Example], others: Sequence[Example]
) -> dict[int, str]:
    """Whose the examples are, by their `id`, where the run protects people; told where a file does not say so."""
    if training is None or not (column := protected_column(training)):
        return {}
    data, own, whose = worker.request.data, training.data, dict[int, str]()
    path_of_others = data.eval_path or own.eval_path or own.path
    for path, examples in ((own.path if worker.request.own_rows else data.path, members), (path_of_others, others)):
        try:
            units = units_by_row(path, column)
        except DatasetInvalid as error:
            told = f"{error.message}: rows with different inputs are taken for those of different people"
            worker.emit(Warned(message=told))
            continue
        whose |= {id(example): units[example.row] for example in examples if example.row in units}
    return whose


def _targeted(examples: Sequence[Example]) -> tuple[Example, ...]:
    return tuple(example for example in examples if example.target is not None)


def _read(worker: Worker, card: Card, task: Task, path: str) -> tuple[Example, ...]:
    """The rows of a file."""
    data = worker.request.data
    dataset = load(path, task, columns=data.columns, min_classes=1, trained=card.columns)
    expected = data.eval_sha256 if path == data.eval_path else data.sha256
    check_digest(path, dataset.sha256, expected, dataset.names_file)
    if card.labels:
        dataset = match_labels(dataset, card.labels, merge=data.merge_labels)
    if dataset.rejected:
        worker.emit(Noted(message=f"{path}: {counted(len(dataset.rejected), 'row')} that cannot be used left out"))
    return dataset.examples


def _unmixed(worker: Worker, model: str, members: Sequence[Example], others: Sequence[Example]) -> AuditRows:
    """The same as `told_apart`; says how many are left out."""
    rows = told_apart(model, members, others)
    if strangers := len(members) - len(rows.members):
        left_out = counted(strangers, "row")
        worker.emit(Warned(message=f"{left_out} left out that {model} did not learn from, as its run has it"))
    if known := len(others) - len(rows.others):
        left_out = counted(known, "row")
        worker.emit(Warned(message=f"{left_out} of the others left out that {model} learnt from"))
    return rows


def _drawn(worker: Worker, rows: AuditRows) -> AuditRows:
    """As many as are attacked."""
    members, left = _sample(rows.members)
    others, more = _sample(rows.others)
    if left or more:
        worker.emit(Noted(message=f"of either side at most {MOST:,} rows are drawn"))
    return replace(rows, members=members, others=others, left=(*left, *more))


def _sample(examples: tuple[Example, ...]) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Those that are asked about, and the rest."""
    if len(examples) <= MOST:
        return examples, ()
    drawn = random.Random(0).sample(range(len(examples)), MOST)  # noqa: S311  (statistics)
    chosen = set(drawn)
    return tuple(examples[i] for i in drawn), tuple(one for i, one in enumerate(examples) if i not in chosen)
