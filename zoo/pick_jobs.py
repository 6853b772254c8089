"""From data, and bounds on a model, to the models that are tried on them: the request of a run that picks one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.ability_options import option_set
from zoo.card import Ability, Card
from zoo.catalog import Catalog, distinct_names, is_local, local_weights
from zoo.data import load, split
from zoo.data.guessing import likely_task
from zoo.data.layout import Parts, parts_of
from zoo.enough_rows import MOST_DIVIDED, check_choosing
from zoo.errors import OptionInvalid, Unsupported, ZooError
from zoo.file_cache import read_once
from zoo.job_paths import existing
from zoo.jobs import Job, in_plain_types
from zoo.metrics.choice import check_metric
from zoo.options import parse, to_dict
from zoo.pick_options import FLOOR, PickOptions
from zoo.ranking import is_result
from zoo.requests import CheckedJob, check_job, check_name
from zoo.runs.request import RunRequest, StudentRequest
from zoo.sources import Source
from zoo.tasks import BUILT_IN, get_task
from zoo.units import size

BYTES_PER_PARAMETER = 4
"""Of a model whose weights are made in the run."""
SUGGESTED = 3
"""Models that are named where there are too few."""


class _Field(NamedTuple):
    """The models that take part, the smallest first."""

    cards: tuple[Card, ...]
    left_out: tuple[str, ...]
    """Why others do not, in words."""


@read_once()
def pick_request(job: Job, picking: Mapping[str, Any], catalog: Catalog | None = None) -> RunRequest:
    """Check that models can be tried on data, and make the request of the run that picks one of them.

    Args:
        job: what is asked for; it names no model, and its evaluation data are those of the test.
        picking: how one is picked: of `PickOptions`.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: the data cannot serve, a model that is named cannot learn from them, or there are not two that can.
    """
    catalog, options = catalog or Catalog.load(), parse(PickOptions, picking)
    job = in_plain_types(job)
    check_name(job.name, catalog.cards)
    path = existing(job.source.data)
    task = job.task or likely_task(path, job.source.columns, job.source.separator).name
    if not get_task(task).judged:
        raise Unsupported(f"no data can tell how well a model does {task}", "zoo tasks lists what can be judged")
    if options.metric:
        check_metric(options.metric, get_task(task).figures, task)
    parts = parts_of(path)
    source = job.source
    if source.eval_data in (None, "") and parts.test is not None:
        source = msgspec.structs.replace(source, eval_data=parts.test)
    divided = tuple(_of_parts(parts, source))
    field = _field(catalog, task, options)
    trainings, left_out = _trainings(job, source, task, field.cards, catalog, options)
    if len(trainings) < 2:
        raise _too_few([card for card, _ in trainings], task, (*field.left_out, *left_out), catalog)
    _check_rows(trainings[0][1], options)
    requests = [checked.request for _, checked in trainings]
    largest = requests[-1]
    said = () if job.task else (f"{task}, as the data say",)
    return msgspec.structs.replace(
        largest,
        name=job.name,
        verb="pick",
        task_reason="; ".join((*said, *divided, *field.left_out, *left_out)),
        options={},
        changed_options={},
        picking=dict(to_dict(options)),
        students=tuple(
            StudentRequest(name=name, training=training)
            for name, training in zip(_names([card for card, _ in trainings]), requests, strict=True)
        ),
        versions={name: version for one in requests for name, version in one.versions.items()},
    )


def any_model(cards: Iterable[Card]) -> Card:
    """What stands for the one that is to be picked, where data are looked at for it: it learns whatever one learns.

    Args:
        cards: of all models.
    """
    tasks = dict.fromkeys(task for card in cards for task in card.tasks_of("finetune") if get_task(task).judged)
    usual = [task for task in BUILT_IN if task in tasks]
    ordered = list(dict.fromkeys((*usual, *tasks)))
    return Card(
        name="a-model",
        task=next(iter(ordered), ""),
        family="any",
        summary="whichever is picked",
        abilities=tuple(Ability(verb="finetune", task=task) for task in ordered),
    )


def _of_parts(parts: Parts, source: Source) -> Iterator[str]:
    """What becomes of the parts that data are divided into, in words."""
    test = source.eval_data or parts.eval
    for part in filter(None, (parts.eval, parts.test)):
        if test is None or part.absolute() != Path(test).absolute():
            yield f"{part.name} is not looked at: rows to choose by are held out of {parts.train.name}"
        elif part == parts.eval:
            yield f"{part.name} is the test, as there is no part of that name"


def _names(cards: Sequence[Card]) -> list[str]:
    """What each is called among those that take part, none as another one or as the floor; also names of folders."""
    names: list[str] = []
    for card, name in zip(cards, distinct_names(cards), strict=True):
        whole, free = card.full_name.replace("/", "-"), name.replace("/", "-")
        taken, number = {FLOOR, *(other.lower() for other in names)}, 2
        while free.lower() in taken:
            free, whole, number = whole, f"{card.full_name.replace('/', '-')}-{number}", number + 1
        names.append(free)
    return names


def _trainings(
    job: Job, source: Source, task: str, cards: Sequence[Card], catalog: Catalog, options: PickOptions
) -> tuple[list[tuple[Card, CheckedJob]], list[str]]:
    """The fine-tuning of each model, checked as any other; why others cannot learn from the data, in words.

    Raises:
        ZooError: one that a person names cannot; or none can.
    """
    trainings: list[tuple[Card, CheckedJob]] = []
    left_out, failures, place = list[str](), list[ZooError](), job.place.of_one_node
    for card in cards:
        known = option_set(card.ability("finetune", task)).__struct_fields__
        given = {"epochs": options.epochs} if options.epochs and "epochs" in known else {}
        training = Job(verb="finetune", model=card.full_name, source=source, task=task, place=place, options=given)
        try:
            checked = check_job(training, catalog)
        except ZooError as error:
            if options.names:
                raise
            failures.append(error)
            left_out.append(f"{card.name} left out: {error.message}")
            continue
        place = msgspec.structs.replace(place, device=checked.request.device)  # all where the first is
        trainings.append((card, checked))
    if failures and not trainings:
        raise failures[0]
    return trainings, left_out


def _check_rows(checked: CheckedJob, options: PickOptions) -> None:
    """Insist on rows that can tell models apart, divided as the run divides them.

    Raises:
        DatasetInvalid: there are too few.
    """
    dataset, data = checked.dataset, checked.request.data
    if dataset is None or len(dataset.examples) > MOST_DIVIDED:
        return
    task = get_task(checked.request.task).divided_at(data.separator).named_by(data.classes)
    if data.eval_path:
        rest, test = dataset.examples, load(data.eval_path, task, columns=data.columns, min_classes=1).examples
    else:
        rest, test = split(dataset, options.test_share, options.seed, target=task.target)
    rest_alone = msgspec.structs.replace(dataset, examples=rest)
    _, validation = split(rest_alone, options.validation_share, options.seed, target=task.target)
    check_choosing(len(test), len(validation))


def _field(catalog: Catalog, task: str, options: PickOptions) -> _Field:
    """The models that are named, or all that are here and learn the task; within the bounds, the smallest first.

    Raises:
        UnknownModel: there is none of a name.
        Unsupported: one that is named does not learn the task.
    """
    if options.names:
        cards = list({card.full_name: card for card in map(catalog.resolve, options.names)}.values())
        for card in cards:
            card.ability("finetune", task)
    else:
        cards = _here(catalog, task)
    sizes = {card.full_name: _bytes(card) for card in cards}
    most, left_out = options.most_bytes, []
    if most is not None:
        large = [card for card in cards if sizes[card.full_name] > most]
        cards = [card for card in cards if sizes[card.full_name] <= most]
        left_out = [f"{card.name} left out: {size(sizes[card.full_name])}" for card in large]
    return _Field(tuple(sorted(cards, key=lambda card: (sizes[card.full_name], card.full_name))), tuple(left_out))


def _here(catalog: Catalog, task: str) -> list[Card]:
    """The pretrained models whose weights are here; of one network those that its publisher calls the best."""
    here = [
        card
        for card in catalog.cards
        if task in card.tasks_of("finetune") and not card.demonstration and not is_result(card) and is_local(card)
    ]
    names = {card.name for card in here}
    return [card for card in here if card.superseded_by not in names]


def _bytes(card: Card) -> float:
    """Of the weights, as far as it is known."""
    weights = local_weights(card) or card.weights
    if weights is None:
        return BYTES_PER_PARAMETER * (card.parameters or 0)
    return sum(file.size_bytes or file.about_bytes or 0 for file in weights.files)


def _too_few(cards: Sequence[Card], task: str, left_out: Sequence[str], catalog: Catalog) -> OptionInvalid:
    """The error where there is nothing to pick from."""
    known = {card.full_name for card in cards}
    others = [
        card.name
        for card in catalog.cards
        if task in card.tasks_of("finetune") and card.full_name not in known and not card.superseded_by
    ]
    why = f" ({'; '.join(left_out)})" if left_out else ""
    only = f"only {cards[0].name} is" if cards else "no model is"
    hint = f"name some: --models {','.join([*(card.name for card in cards), *others][:SUGGESTED])}"
    return OptionInvalid(
        f"{only} there to be picked for {task}{why}",
        f"{hint}; or fetch more: zoo pull {others[0]}" if others else "zoo plugins lists what brings models",
    )
