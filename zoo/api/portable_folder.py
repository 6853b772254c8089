"""A result as files that answer without zoo; what they answer is held against zoo's own answers."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import atomic
from zoo.answers import Rejected
from zoo.api.model import plan_load
from zoo.card import Card
from zoo.data import InputRows
from zoo.data.example import Example
from zoo.data.expansion import input_list
from zoo.errors import DatasetInvalid, GateNotPassed, ZooError
from zoo.plugins import load_plugin
from zoo.runs.agreement import LIMIT, Agreement, agreement_of
from zoo.runs.calibration import finish_of
from zoo.runs.hooks import load_predictor
from zoo.runs.private_rows import learnt_privately
from zoo.runs.store import training_of
from zoo.runs.stored_answers import USUAL, stored_inputs
from zoo.suggestions import AS_SAFETENSORS
from zoo.tasks.options import LabelOptions
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun

COMPARED = "compared"
"""Entry of the facts."""
_OTHERS = "--data FILE names others"


def write_portable(
    card: Card, source: Path, folder: Path, format: str, *, data: Any, columns: Mapping[str, str], task: str
) -> Agreement:
    """Write a model as files that answer without zoo.

    Args:
        card: of the model.
        source: its folder, every file as the run wrote it.
        folder: exists and is empty.
        format: of `zoo.api.result_folder.FORMATS`, but safetensors.
        data: whose inputs are answered; None for those that the model learnt from, or keeps.
        columns: of the data, by role.
        task: what it shall answer; empty where it answers one.

    Returns:
        How its answers compare with zoo's own.

    Raises:
        Unsupported: it is no single network, or a package is missing.
        DatasetInvalid: there are no inputs to answer.
        GateNotPassed: the files answer otherwise.
    """
    writing = importlib.import_module("zoo.training.portable.folder")
    writing.check_format(format)
    run = _prediction_run(card, source, task)
    plugin = load_plugin(card.plugin)
    portable = plugin.answering_body(run).portable(run)
    inputs = list(_inputs(card, run.task, source, data, columns))
    finish = finish_of(card, run.task, run.options)
    answers = load_predictor(plugin, run, finish).predict(inputs)
    kept = [number for number, answer in enumerate(answers) if not isinstance(answer, Rejected)]
    if not kept:
        reason = next((one.reason for one in answers if isinstance(one, Rejected)), "there are none")
        raise DatasetInvalid(f"none of the inputs to compare answers on can be answered: {reason}", _OTHERS)
    temperature = None if finish is None else finish.calibration.temperature
    written = writing.write_folder(portable, run, format, folder, temperature)
    now = written.predict([inputs[number] for number in kept])
    agreement = agreement_of([answers[number] for number in kept], now if finish is None else finish(now))
    if not agreement.agrees:
        raise GateNotPassed(
            f"{card.name} as {format} answers otherwise than zoo, so nothing was written: {agreement}",
            AS_SAFETENSORS,
        )
    _tell(folder / writing.FACTS, agreement)
    return agreement


def _prediction_run(card: Card, source: Path, task: str) -> PredictionRun:
    """As the model is asked: in float32 on the CPU, and of each of its labels how probable it is."""
    plan = plan_load(card, "cpu", "fp32", task=task)
    if card.labels and issubclass(plan.task.predict_options, LabelOptions) and hasattr(plan.options, "top_k"):
        plan = plan_load(card, "cpu", "fp32", {"top_k": len(card.labels)}, task=task)
    return plan.prediction_run(source)


def _inputs(card: Card, task: Task, source: Path, data: Any, columns: Mapping[str, str]) -> Sequence[Any]:
    """Those that are answered, at most `USUAL`."""
    if data is not None and not isinstance(data, str | os.PathLike):
        values = input_list(data, task.input)
        return [task.input.from_python(value) for value in islice(values if values is not None else [data], USUAL)]
    if data is not None:
        return _read(Path(data).expanduser(), task, columns, card.columns)
    if stored := stored_inputs(source, task.input):
        return stored[:USUAL]
    request = training_of(card)
    if request is None or not request.data.path:
        raise DatasetInvalid(f"{card.name} keeps no inputs to compare answers on", "--data FILE names some")
    if learnt_privately(card):  # what is found is written beside the network
        raise DatasetInvalid(
            f"{card.name}, or a model before it, learnt privately or may have, so answers are not compared on its own "
            "rows",
            _OTHERS,
        )
    path = Path(request.data.eval_path or request.data.path)
    with _where_it_learnt(card):
        return _read(path, task, request.data.columns, card.columns)


@contextlib.contextmanager
def _where_it_learnt(card: Card) -> Iterator[None]:
    """Errors of data that nobody named."""
    try:
        yield
    except ZooError as error:
        raise DatasetInvalid(
            f"the data that {card.name} learnt from cannot be read to compare answers on: {error.message}", _OTHERS
        ) from error


def _read(path: Path, task: Task, columns: Mapping[str, str], trained: Mapping[str, str]) -> list[Any]:
    inputs = {role: name for role, name in columns.items() if role in task.input.roles}
    rows = InputRows(path, task, columns=inputs, trained=dict(trained))
    return [row.input for row in islice((row for row, _ in rows if isinstance(row, Example)), USUAL)]


def _tell(path: Path, agreement: Agreement) -> None:
    """Among the facts, what was compared."""
    facts = json.loads(path.read_bytes())
    facts[COMPARED] = {
        "answers": agreement.answers,
        "changed": agreement.changed,
        "largest_difference": agreement.largest,
        "allowed_difference": LIMIT,
        "answers_without_numbers": agreement.without_numbers,
    }
    atomic.write_text(path, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
