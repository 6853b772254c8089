"""Which model a name stands for: of a result with several heads, the one for a task, or for the data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.data.example import UNKNOWN
from zoo.data.guessing import fitting_separator, likeliest_task
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import UnknownModel
from zoo.file_cache import once
from zoo.kinds.kind import TARGET
from zoo.plurals import plural
from zoo.runs.result import OF_ITS_OWN
from zoo.tasks import get_task


class ModelChoice(NamedTuple):
    """The model that a name stands for."""

    card: Card
    """Of a new head, that of a head whose body it begins from, without columns and labels."""
    reason: str = ""
    """Why this head, in one line; empty where the name or the task says it."""
    head: str = ""
    """Name of the head, where the name stands for a result with several; empty for a new one without a name."""
    is_new: bool = False
    """Whether the head is to be a new one."""
    known: tuple[Card, ...] = ()
    """The heads of that result that are named as what is learnt."""
    others: tuple[Card, ...] = ()
    """Its other heads."""


def choose_model(
    catalog: Catalog,
    name: str,
    verb: str,
    task: str = "",
    data: Any = None,
    columns: Mapping[str, str] = UNKNOWN,
    separator: str = "",
    sources: Sequence[str] = (),
) -> ModelChoice:
    """The model that a name stands for; where it is a result with several heads, the one that is meant.

    Args:
        catalog: all models.
        name: of a model, or of a run.
        verb: what it shall do: evaluate, predict or a training.
        task: for which; empty where it is not named.
        data: as a person gives it; what is no path of data decides nothing.
        columns: names of columns that a person gives, by role.
        separator: what stands between the labels of a row, as a person says.
        sources: names of what is learnt from, where they have any: of heads.

    Raises:
        UnknownModel: there is none of that name, or any of several heads may be meant.
    """
    heads = catalog.heads(name)
    if not heads:
        return ModelChoice(catalog.resolve(name))
    names = {head.name for head in heads}  # what is kept of a head's own best step is there to be named
    usual = [head for head in heads if head.name.removesuffix(OF_ITS_OWN) not in names - {head.name}]
    if sources:
        known = next((head for head in heads if [head_name(head)] == list(sources)), None)
        choice = ModelChoice(
            known or new_head(usual[0]), is_new=known is None, head=sources[0] if len(sources) == 1 else ""
        )
    else:
        choice = _choose_head(usual, verb, task, data, columns, separator)
    learnt = sources or (choice.head,)
    known_heads, others = ([one for one in heads if (head_name(one) in learnt) is named] for named in (True, False))
    return choice._replace(known=tuple(known_heads), others=tuple(others))


def head_name(card: Card) -> str:
    """How a result calls one of its heads."""
    return card.name.rpartition(".")[2]


def new_head(card: Card) -> Card:
    """A head as the model that a new one begins from: it has the body, and what it learnt from decides nothing."""
    return msgspec.structs.replace(card, columns={}, labels=())


def _choose_head(
    heads: Sequence[Card], verb: str, task: str, data: Any, columns: Mapping[str, str], separator: str
) -> ModelChoice:
    """The head that a task or data are for; arguments as for `choose_model`."""
    if task or verb == "pretrain":
        return _of_task(heads, verb, task or next(iter(heads[0].tasks_of(verb)), ""))
    judged = [head for head in heads if get_task(head.task).target]
    decides = isinstance(data, str | os.PathLike) and str(data) != "" and Path(data).expanduser().exists()
    if verb not in ("evaluate", "finetune", "inspect", "curve", "shrink", "audit") or not judged:
        raise _several(heads)
    if not decides and len(judged) > 1:
        raise _several(heads)
    if not decides:
        reason = f"{judged[0].name} is the only head that data can judge"
        return ModelChoice(judged[0], reason, head_name(judged[0]))
    path = Path(os.fspath(data)).expanduser()
    names = tuple(head.name for head in judged)
    return once(  # for the flags of a command, and then for its request
        ("head", names, str(path), columns.get(TARGET, "")), lambda: _of_data(judged, path, columns, separator)
    )


def _of_task(heads: Sequence[Card], verb: str, task: str) -> ModelChoice:
    """The only head of a task; a training may be for one that none has, which begins at the body."""
    of_task = [head for head in heads if head.task == task]
    if len(of_task) == 1:
        return ModelChoice(of_task[0], head=head_name(of_task[0]))
    if of_task:
        raise _several(of_task)
    learning = [head for head in heads if verb in ("finetune", "pretrain") and task in head.tasks_of(verb)]
    if learning:
        return ModelChoice(new_head(learning[0]), is_new=True)
    raise _several(heads, f"none of them does {task}: ")


def _of_data(heads: Sequence[Card], path: Path, columns: Mapping[str, str], separator: str) -> ModelChoice:
    """The head whose columns the data have and whose targets they look like."""
    table = Table(parts_of(path).train)
    known = [head for head in heads if head.columns and set(head.columns.values()) <= set(table.columns)]
    fitting = heads if columns.get(TARGET) else known or heads
    tasks = fitting_separator([get_task(name) for name in dict.fromkeys(head.task for head in fitting)], separator)
    trained = fitting[0].columns if len(fitting) == 1 else UNKNOWN
    likely = likeliest_task(tasks, table, columns=columns, trained=trained)
    of_task = [head for head in fitting if head.task == likely.task.name]
    if len(of_task) > 1:
        raise _several(of_task, "the data may be for any of them: ")
    target = likely.task.target
    assert target is not None
    reason = f"{of_task[0].name} is the head for these data: they hold {plural(str(target))}"
    return ModelChoice(of_task[0], reason, head_name(of_task[0]))


def _several(heads: Sequence[Card], before: str = "") -> UnknownModel:
    """The error for a name that stands for several heads."""
    run = heads[0].name.rpartition(".")[0]
    names = ", ".join(f"{head.name} ({head.task})" for head in heads)
    tasks = [head.task for head in heads]
    task = next((task for task in tasks if tasks.count(task) == 1), "")
    return UnknownModel(
        f"{run} has several heads, {before}{names}",
        f"name one, such as {heads[0].name}" + (f", or a task: --task {task}" if task else ""),
    )
