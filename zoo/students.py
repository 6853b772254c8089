"""Smaller networks that are trained to take the place of a model: which, and what they learn from.

Others learn its answers; or it learns its own anew, once a part of it is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from zoo.card import Card
from zoo.catalog import Catalog, distinct_names
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.job_paths import existing
from zoo.jobs import Job
from zoo.plurals import name_list
from zoo.ranking import is_result
from zoo.runs.private_rows import learnt_privately
from zoo.runs.publishing import base_name
from zoo.runs.request import RunRequest
from zoo.runs.store import training_of
from zoo.shrink_options import FORMATS, ORIGINAL, PRUNED, ShrinkOptions
from zoo.shrinkable import check_prunable
from zoo.sources import Source
from zoo.tasks import get_task
from zoo.units import count

SUGGESTED = 3
"""Models that are named where another one will not do."""
_TAKEN = (ORIGINAL, PRUNED, *FORMATS)
"""Names of other candidates."""


def student_jobs(
    job: Job, model: Card, task: str, options: ShrinkOptions, catalog: Catalog
) -> Iterator[tuple[str, Job]]:
    """The fine-tuning of each smaller network, with the name of the candidate that it is.

    Args:
        job: of making a model smaller.
        model: that is made smaller, the teacher.
        task: that it answers.
        options: of making it smaller.
        catalog: all models.

    Raises:
        UnknownModel: there is no such card.
        Unsupported: it learns something else, or the model learnt privately.
        OptionInvalid: it is no smaller.
        DatasetInvalid: there is nothing to learn from.
    """
    if not options.trains:
        return
    if options.prune:
        check_prunable(model)
    source = _learnt_from(job.source, model, options.train)
    cards = {card.full_name: card for card in map(catalog.resolve, options.students)}
    names = distinct_names(cards.values())
    for name, card in zip(names, cards.values(), strict=True):
        _check_smaller(card, model, task, catalog)
        candidate = (card.full_name if name in _TAKEN else name).replace("/", "-")
        yield candidate, _training(job, card, source, task, options, teacher=model.full_name)
    if options.prune:
        teacher = model.full_name if get_task(task).teachable else ""
        yield PRUNED, _training(job, model, source, task, options, teacher=teacher)


def _training(job: Job, card: Card, source: Source, task: str, options: ShrinkOptions, *, teacher: str) -> Job:
    source = msgspec.structs.replace(source, teacher=teacher)
    place = msgspec.structs.replace(job.place, precision="auto")
    epochs = {} if options.train_epochs is None else {"epochs": options.train_epochs}
    return Job(verb="finetune", model=card.full_name, source=source, task=task, place=place, options=epochs)


def check_unchanged(request: RunRequest, model: Card, options: ShrinkOptions) -> None:
    """Insist on the very data that a model learnt from, where its record names them.

    Args:
        request: of the training of a smaller network.
        model: that it learns from.
        options: of making it smaller.

    Raises:
        DatasetInvalid: they are others by now.
    """
    training = None if options.train else training_of(model)
    if training and training.data.sha256 and request.data.sha256 != training.data.sha256:
        path = training.data.path
        raise DatasetInvalid(
            f"{path} has changed since {model.name} learnt from it", f"--train {path} takes it as it is"
        )


def _check_smaller(card: Card, model: Card, task: str, catalog: Catalog) -> None:
    """Insist on a card that learns the task with fewer numbers."""
    learnt, parameters = card.tasks_of("finetune"), _parameters(model, catalog)
    smaller = _smaller_models(parameters, task, catalog)
    hint = f"choose one that learns it and is smaller: {', '.join(smaller)}" if smaller else "leave --into out"
    if task not in learnt:
        what = f"learns {name_list(learnt)}" if learnt else "cannot be fine-tuned"
        raise Unsupported(f"--into {card.name} {what}, and {model.name} answers {task}", hint)
    if card.parameters and parameters and card.parameters >= parameters:
        raise OptionInvalid(
            f"--into {card.name} has {count(card.parameters)} parameters, no fewer than the "
            f"{count(parameters)} of {model.name}",
            hint,
        )


def _parameters(model: Card, catalog: Catalog) -> int:
    """How many numbers a model has, or its architecture with the vocabulary that its card states: one that begins from
    random numbers has a smaller one where its data are few, and so will the other one.
    """
    base = f"{model.plugin}/{base_name(model)}"
    stated = [card.parameters for card in catalog.cards if card.full_name == base]
    return max((one for one in (model.parameters, *stated) if one), default=0)


def _smaller_models(parameters: int, task: str, catalog: Catalog) -> list[str]:
    """Some that learn a task and have fewer numbers, the largest first."""
    sizes = {
        card.name: card.parameters
        for card in catalog.cards
        if task in card.tasks_of("finetune") and not is_result(card) and not card.demonstration
        if card.parameters and card.parameters < parameters
    }
    return sorted(sizes, key=lambda name: -sizes[name])[:SUGGESTED]


def _learnt_from(judged: Source, model: Card, train: str) -> Source:
    """The data that a smaller network learns from: those that a person names, or those that the model learnt from."""
    if train:
        path, stated = existing(train), {**model.columns, **judged.columns}
        known = Table(parts_of(path).train).columns
        return msgspec.structs.replace(
            judged, data=path, columns={role: name for role, name in stated.items() if name in known}
        )
    advice = "name what a smaller network shall learn from: --train FILE; it needs no labels"
    training = training_of(model)
    if training is None or training.federation is not None:
        whose = "is not known here" if training is None else "is with the clients that keep it"
        raise DatasetInvalid(f"what {model.name} learnt from {whose}", advice)
    if learnt_privately(model):
        raise Unsupported(
            f"{model.name}, or a model before it, learnt privately or may have: what learns from its rows anew would "
            "tell of them",
            advice.replace("FILE", "FILE of rows that are public"),
        )
    data = training.data
    for file in filter(None, (data.path, data.eval_path)):
        if not Path(file).exists():
            raise DatasetInvalid(f"what {model.name} learnt from is gone: {file}", advice)
    return Source(
        data=data.path,
        eval_data=data.eval_path or None,
        columns=data.columns,
        separator=data.separator,
        classes=data.classes,
        merge_labels=data.merge_labels,
    )
