"""Models that others learn from: which task they teach, and whether they know the labels of the data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.ability_options import option_set
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.data import Dataset
from zoo.data.guessing import has_target
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.hyperparameters import TeachingOptions
from zoo.options import parse
from zoo.planned_results import is_planned
from zoo.plugins import load_plugin
from zoo.plurals import name_list
from zoo.ranking import is_result
from zoo.runs.request import TeacherRequest
from zoo.sources import Source
from zoo.tasks import BUILT_IN, get_task
from zoo.tasks.task import Task


class Teacher(NamedTuple):
    """A model whose answers another one learns from."""

    card: Card
    options: TeachingOptions

    def request(self, task: Task, dataset: Dataset) -> TeacherRequest:
        """What a run has to know of it.

        Args:
            task: that is learnt.
            dataset: to train on, read with its targets or without.

        Raises:
            DatasetInvalid: it tells other labels apart than the data.
        """
        labelled, labels = dataset.target is not None, self.card.labels
        known = set(labels) >= set(dataset.labels) if dataset.untargeted else set(labels) == set(dataset.labels)
        if labelled and labels and not known:
            raise DatasetInvalid(
                f"{self.card.name} tells apart {name_list(labels)}, but the data have {name_list(dataset.labels)}",
                "a teacher knows the same labels by the same names: rename them in the data, or leave --teacher out",
            )
        usual_share = 0.5 if labelled else 1.0
        return TeacherRequest(
            model=self.card.full_name,
            plugin=self.card.plugin,
            labels=labels,
            digest=self.card.weights.digest if self.card.weights else "",
            version=load_plugin(self.card.plugin).version,
            labelled=labelled,
            untargeted_rows=len(dataset.untargeted),
            share=usual_share if self.options.teacher_share is None else self.options.teacher_share,
            temperature=self.options.teacher_temperature,
        )


def find_teacher(name: str, catalog: Catalog, arguments: Mapping[str, Any]) -> Teacher | None:
    """The teacher of a source; None where none is named.

    Args:
        name: of a card or a run; empty where there is none.
        catalog: all models.
        arguments: options as given, of the model or of the teaching.

    Raises:
        UnknownModel: there is none of that name.
        Unsupported: it is still to be trained.
        OptionInvalid: an option of the teaching is out of bounds, or there is nothing that it could be about.
    """
    of_teaching, _ = split_options(arguments)
    if not name and of_teaching:
        flag = f"--{next(iter(of_teaching)).replace('_', '-')}"
        raise OptionInvalid(f"{flag} is about a teacher, and there is none", "name it: --teacher MODEL")
    if not name:
        return None
    card = catalog.resolve(name)
    if is_planned(card):
        raise Unsupported(f"{card.name} has not been trained yet, so it cannot be asked what it answers", "wait for it")
    return Teacher(card, parse(TeachingOptions, of_teaching))


def split_options(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of a teaching, and those of the model."""
    names = TeachingOptions.__struct_fields__
    of_teaching = {name: value for name, value in arguments.items() if name in names}
    return of_teaching, {name: value for name, value in arguments.items() if name not in names}


def task_of_teacher(teacher: Card, model: Card, task: str = "") -> str:
    """The task that a model learns from a teacher.

    Args:
        teacher: answers it.
        model: learns it.
        task: as named by a person; empty for the teacher's own.

    Raises:
        Unsupported: the teacher does not answer it, the model does not learn it, or answers do not say enough.
    """
    answered = () if teacher.weights is None else teacher.tasks_of("predict")
    if not answered:
        raise Unsupported(f"{teacher.name} has learnt nothing yet that it could teach", teacher.training_advice)
    learnt = model.tasks_of("finetune")
    task = task or next((one for one in (teacher.task, *answered) if one in answered and one in learnt), teacher.task)
    if task not in answered:
        raise Unsupported(f"{teacher.name} answers {name_list(answered)}, not {task}", "choose another --teacher")
    if not get_task(task).teachable:
        teachable = name_list(tuple(name for name in BUILT_IN if get_task(name).teachable and name in learnt))
        raise Unsupported(
            f"{task} cannot be learnt from a teacher: an answer does not say how likely all others are",
            f"{model.name} can be taught {teachable or 'nothing'}; or it learns what {teacher.name} answers as data: "
            f"zoo predict {teacher.name} --file DATA --out answers.csv, then --data answers.csv --label prediction",
        )
    options = option_set(teacher.ability("predict", task)).__struct_fields__
    if lacking := sorted(set(get_task(task).taught_options).difference(options)):
        raise Unsupported(
            f"{teacher.name} does not say how likely everything is that it does not answer",
            f"choose another --teacher: the plugin {teacher.plugin} takes no --{lacking[0].replace('_', '-')}",
        )
    model.ability("finetune", task)
    return task


def possible_teachers(model: Card, cards: Iterable[Card]) -> list[Card]:
    """The models whose answers a model can learn, results of runs first.

    Args:
        model: learns.
        cards: of all models.
    """
    teachers = []
    for card in cards:
        with contextlib.suppress(Unsupported):
            if task_of_teacher(card, model) and card.full_name != model.full_name:
                teachers.append(card)
    return sorted(teachers, key=lambda card: not is_result(card))


def with_taught_task(source: Source, model: Card, catalog: Catalog) -> Source:
    """A source that says which task its teacher, if it has one, teaches a model; errors as in `task_of_teacher`."""
    if not source.teacher:
        return source
    return msgspec.structs.replace(source, task=task_of_teacher(catalog.resolve(source.teacher), model, source.task))


def reading_task(task: Task, path: Path, columns: Mapping[str, str], trained: Mapping[str, str]) -> Task:
    """The task as the rows of a taught source are read for it: without targets where the data have none.

    Args:
        task: that is learnt.
        path: the data to train on.
        columns: their names by role, as a person gives them.
        trained: the columns that the model was trained on.
    """
    if has_target([task], Table(parts_of(path).train), columns=columns, trained=dict(trained)):
        return task
    return msgspec.structs.replace(task, target=None)
