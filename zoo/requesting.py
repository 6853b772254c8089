"""From what a person asks for to a request that a worker can carry out: everything cheap is checked here, before a run
exists.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from zoo.card import Ability, Card, TextInput, Verb
from zoo.catalog import Catalog, data_task, distinct_names
from zoo.data import InputRows, count_rows, digest, load, match_labels
from zoo.data.absence import STDIN, no_such_data
from zoo.data.layout import parts_of
from zoo.devices import choose, named
from zoo.encoding import is_encodable
from zoo.errors import DatasetInvalid, InputMismatch, OptionInvalid, Unsupported
from zoo.options import Option, parse, read, schema, to_dict
from zoo.plugins import load_plugin
from zoo.plurals import counted
from zoo.runs import store
from zoo.runs.answer_files import format_of
from zoo.runs.request import DataRequest, RunRequest, RunVerb
from zoo.runs.store import training_of
from zoo.runs.versions import relevant_versions
from zoo.tasks import get_task
from zoo.tasks.task import Task

_MODELS_OFFERED = 4
PROCESSES = Option(
    name="processes", kind="int", default=1, help="Processes on this machine.", ge=1, le=64, advanced=True
)


def training_request(
    verb: Verb,
    model: str,
    data: str | Path,
    *,
    eval_data: str | Path | None = None,
    input: str = "",
    label: str = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    processes: int = 1,
    dry_run: bool = False,
    **options: Any,
) -> RunRequest:
    """Check a fine-tuning or pretraining job and put it into words.

    Raises:
        ZooError: the model, its options, the data or the device cannot serve.
    """
    card, ability = find_ability(model, verb)
    parsed = parse(ability.options, options, beside=training_request.__kwdefaults__ or ())
    processes = cast("int", read(PROCESSES, processes))
    task = data_task(card, ability.task)
    with offering_models(card, verb):
        checked = _check_training_data(data, eval_data, task, input, label, merge_labels)
    return _request(
        verb,
        card,
        ability,
        checked,
        name=name,
        device=device,
        precision=precision,
        processes=processes,
        dry_run=dry_run,
        options=dict(to_dict(parsed)),
    )


def evaluation_request(
    model: str,
    data: str | Path,
    *,
    input: str = "",
    label: str = "",
    merge_labels: bool = False,
    errors: str | Path | None = None,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> RunRequest:
    """Check an evaluation and put it into words.

    Raises:
        ZooError: the model is no trained classifier, or the data cannot judge it.
    """
    card, ability = find_ability(model, "predict")
    task = data_task(card, ability.task)
    if card.weights is None or not task.labelled or not card.labels:
        raise Unsupported(
            f"{card.name} does {task.name}; only a trained classifier can be judged by labels",
            f"fine-tune it first: zoo finetune {card.name} --data FILE",
        )
    path = _existing(data)
    target = str(_new_file(errors, "--errors")) if errors else ""
    with offering_models(card, "predict"):
        dataset = load(path, task, input_column=input, label_column=label, min_classes=1)
    training = training_of(card)
    merge = merge_labels or (training is not None and training.data.merge_labels)
    match_labels(dataset, card.labels, merge=merge)
    checked = DataRequest(
        path=str(path), sha256=dataset.sha256, input_column=input, label_column=label, merge_labels=merge
    )
    parsed = parse(ability.options, options, beside=evaluation_request.__kwdefaults__ or ())
    return _request(
        "evaluate",
        card,
        ability,
        checked,
        name=name,
        device=device,
        precision=precision,
        out=target,
        options=dict(to_dict(parsed)),
    )


def batch_prediction_request(
    model: str,
    data: str | Path,
    out: str | Path,
    *,
    input: str = "",
    keep: str | Sequence[str] = (),
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> RunRequest:
    """Check a batch prediction and put it into words.

    Raises:
        ZooError: the model cannot predict, the data cannot be read, or the output is in the way.
    """
    card, ability = find_ability(model, "predict")
    if card.weights is None:
        raise Unsupported(f"{card.name} has learnt nothing yet", f"train it: zoo finetune {card.name} --data FILE")
    path, target = _existing(data), _new_file(out, "--out")
    with offering_models(card, "predict"):
        rows = InputRows(path, data_task(card, ability.task), input_column=input, keep=_column_names(keep))
    if count_rows(path) == 0:
        raise DatasetInvalid(f"{path} has no rows", "give a file that has some")
    checked = DataRequest(path=str(path), sha256=digest(path), input_column=input)
    parsed = parse(ability.options, options, beside=batch_prediction_request.__kwdefaults__ or ())
    return _request(
        "predict",
        card,
        ability,
        checked,
        name=name,
        device=device,
        precision=precision,
        out=str(target),
        keep=rows.kept,
        options=dict(to_dict(parsed)),
    )


def find_ability(model: str, verb: Verb) -> tuple[Card, Ability]:
    """The card of that name and what it brings to the verb.

    Raises:
        UnknownModel: there is none of that name.
        Unsupported: it does not support the verb.
    """
    card = Catalog.load().resolve(model)
    ability = card.abilities.get(verb)
    if ability is None:
        raise Unsupported(f"{card.name} cannot {verb}", f"it can {', '.join(card.abilities) or 'do nothing'}")
    return card, ability


@contextmanager
def offering_models(card: Card, command: str) -> Iterator[None]:
    """Read data for a model; where it is of another kind than the model takes, models that do take it are offered.

    Args:
        card: of the model.
        command: what it shall do; an evaluation needs what predicts.

    Raises:
        InputMismatch: naming model, data and a few models that fit.
    """
    verb: Verb = "finetune" if command == "finetune" else "pretrain" if command == "pretrain" else "predict"
    try:
        yield
    except InputMismatch as mismatch:
        task = card.abilities[verb].task if verb in card.abilities else card.task
        message = f"{mismatch.found}, but {card.name} takes {get_task(task).input}s"
        hint = fitting_models(mismatch.kind, verb)
        raise InputMismatch(message, hint, found=mismatch.found, kind=mismatch.kind) from None


def fitting_models(kind: str, verb: Verb) -> str:
    """A few models that have a verb for a kind of input, in words."""
    cards = Catalog.load().taking(kind, verb)
    if not cards:
        return f"no model here takes {kind}s; zoo install adds a plugin"
    names = ", ".join(distinct_names(cards)[:_MODELS_OFFERED])
    return f"models that take {kind}s: {names} (zoo ls --task {cards[0].abilities[verb].task})"


def check_name(name: str, cards: Iterable[Card]) -> None:
    """Insist on a name that a new run can have; an empty one is made up later.

    Args:
        name: as asked for.
        cards: of all models, whose names are taken.

    Raises:
        OptionInvalid: it is not a name, or is that of a run or a model.
    """
    if not name:
        return
    store.check_new_name(name)
    if any(name in (card.name, card.full_name) for card in cards):
        raise OptionInvalid(f"{name!r} is the name of a model", "choose another name")


def find_max_tokens(card: Card, verb: str, chosen: str = "") -> int | None:
    """Tokens at which a verb cuts texts; None where that is not known beforehand, or inputs are no texts.

    Args:
        card: of the model.
        verb: one of its abilities.
        chosen: its option `max_tokens` as typed; empty or auto where that is left open.
    """
    ability = card.abilities.get(verb)
    if ability is None or not isinstance(card.input, TextInput):
        return None
    default = next((one.default for one in schema(ability.options) if one.name == "max_tokens"), None)
    limit = int(chosen) if chosen.isdecimal() else default
    if isinstance(limit, int):
        return limit
    # A result answers with the limit that its training chose, which its card does not tell.
    return card.input.max_tokens if verb in ("finetune", "pretrain") else None


def _check_training_data(
    data: str | Path, eval_data: str | Path | None, task: Task, input_column: str, label_column: str, merge: bool
) -> DataRequest:
    path, own_evaluation, _ = parts_of(_existing(data))
    if eval_data is None or (isinstance(eval_data, str) and not eval_data):
        eval_data = own_evaluation
    dataset = load(path, task, input_column=input_column, label_column=label_column, merge=merge)
    eval_path, eval_sha256 = "", ""
    if eval_data is not None:
        eval_path = str(_existing_evaluation(eval_data))
        held_out = load(eval_path, task, input_column=input_column, label_column=label_column, min_classes=1)
        if task.labelled:
            match_labels(held_out, dataset.labels, merge=merge)
        eval_sha256 = held_out.sha256
    return DataRequest(
        path=str(path),
        sha256=dataset.sha256,
        eval_path=eval_path,
        eval_sha256=eval_sha256,
        input_column=input_column,
        label_column=label_column,
        merge_labels=merge,
    )


def _new_file(path: str | Path, flag: str) -> Path:
    """The absolute path of a file that answers can be written to."""
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(f"{flag} is a {type(path).__name__}, but takes the path of a new file", "name one")
    target = Path(path).expanduser().absolute()
    format_of(target, flag)
    if not is_encodable(str(target)):
        raise OptionInvalid(f"{flag} {target} is not UTF-8, so a run cannot remember it", "choose another name")
    if target.exists():
        raise OptionInvalid(f"{target} exists already", f"choose another {flag}, or remove it")
    if not target.parent.is_dir():
        raise OptionInvalid(f"there is no folder {target.parent}", f"make it first, or choose another {flag}")
    return target


def _column_names(keep: str | Sequence[str] | None) -> list[str]:
    names = [keep] if isinstance(keep, str) else [] if keep is None else keep
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise OptionInvalid(f"--keep is {keep!r}, but takes names of columns, or all", 'such as ["id", "customer"]')
    return [name for name in names if name]


def _existing_evaluation(data: str | Path) -> Path:
    """The path of evaluation data; a share in its place is told where it belongs."""
    try:
        share = float(str(data))
    except ValueError:
        return _existing(data)
    if Path(str(data)).exists() or not 0 < share < 1:
        return _existing(data)
    raise OptionInvalid(
        f"the evaluation data is {data!s}, but must be a file or folder",
        f"to hold out that share of the rows, leave --eval out and say --eval-share {share:g}",
    )


def _existing(path: str | Path) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise DatasetInvalid(
            f"the data is a {type(path).__name__}, but must be the path of a file or folder",
            "write it to a .csv, .jsonl or .parquet file, and name that",
        )
    found = Path(path).expanduser().absolute()
    if str(path) == STDIN or not found.exists():
        raise no_such_data(path)
    if not is_encodable(str(found)):
        raise DatasetInvalid(f"the name of {found} is not UTF-8, so a run cannot remember it", "rename it")
    return found


def _request(
    verb: RunVerb,
    card: Card,
    ability: Ability,
    data: DataRequest,
    *,
    name: str,
    device: str,
    precision: str,
    options: dict[str, Any],
    processes: int = 1,
    dry_run: bool = False,
    out: str = "",
    keep: tuple[str, ...] = (),
) -> RunRequest:
    check_name(name, Catalog.load().cards)
    columns = {"input_column": data.input_column or "", "label_column": data.label_column or ""}  # None from Python
    placement = choose(device, precision, known=ability.precisions)
    ability.check_precision(placement.precision)
    if processes > 1 and placement.device != "cpu":
        _check_accelerators(placement.device, processes)
    return RunRequest(
        name=name or "",
        verb=verb,
        model=card.full_name,
        plugin=card.plugin,
        task=ability.task,
        data=msgspec.structs.replace(data, **columns),
        options=options,
        device=placement.device,
        precision=placement.precision,
        device_reason=placement.reason,
        device_asked=named(device),
        precision_asked=named(precision),
        processes=processes,
        out=out,
        keep=keep,
        dry_run=dry_run,
        created_at=time.time(),
        versions=relevant_versions(load_plugin(card.plugin).distribution),
    )


def _check_accelerators(device: str, processes: int) -> None:
    from zoo.devices import available

    kind = device.partition(":")[0]
    there = sum(1 for one in available() if one.kind == kind)
    if there < processes:
        raise Unsupported(
            f"{processes} processes were asked for, but {counted(there, f'{kind} device', 'are')} here",
            f"use --processes {there}, or --device cpu",
        )
