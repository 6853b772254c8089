"""What a teacher says of the rows of a training: asked once, and kept for whoever learns from the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.ability_options import option_set, parse_recorded
from zoo.answers import Prediction, Rejected
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.encoding import encode_json
from zoo.errors import DatasetInvalid, RunCancelled, Unsupported
from zoo.locking import locked
from zoo.paths import cache_folder
from zoo.plugins import load_plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.context import PredictionRun, Teaching
from zoo.runs.events import Noted
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.preparation import card_of, fetch_weights
from zoo.runs.request import TeacherRequest
from zoo.runs.training_data import TrainingData
from zoo.tasks.task import Task

CHUNK = 256
"""Examples handed to the predictor at once."""


def teach(worker: Worker, task: Task, data: TrainingData) -> tuple[TrainingData, Teaching | None]:
    """Ask the teacher of a source, if it has one, about the rows to train on.

    Where the data have no targets, its answers are the targets: also of the rows that are held out, unless evaluation
    data say more.

    Args:
        worker: of the source.
        task: that is learnt.
        data: as they were read.

    Returns:
        The data, each row with a target; and the answers.
    """
    request = worker.request.teacher
    if request is None:
        return data, None
    judged_by_teacher = not request.labelled and not worker.request.data.eval_path
    asked = (*data.train, *data.eval) if judged_by_teacher else data.train
    answers = _kept_answers(worker, task, request, asked)
    if not request.labelled:
        targets = [answer.as_target() for answer in answers if not isinstance(answer, Rejected)]
        if not targets:
            raise DatasetInvalid(f"{request.model} could answer none of the rows", "zoo predict shows why")
        asked = tuple(
            msgspec.structs.replace(example, target=targets[0] if isinstance(answer, Rejected) else answer.as_target())
            for example, answer in zip(asked, answers, strict=True)
        )
        train, held_out = asked[: len(data.train)], asked[len(data.train) :]
        data = replace(data, train=train, eval=held_out if judged_by_teacher else data.eval)
        worker.emit(Noted(message=_no_targets(request, judged_by_teacher=judged_by_teacher)))
    by_example = {id(example): answer for example, answer in zip(data.train, answers, strict=False)}
    return data, Teaching(answers=by_example, share=request.share, temperature=request.temperature)


def _no_targets(request: TeacherRequest, *, judged_by_teacher: bool) -> str:
    message = f"the data have no targets: they are learnt from the answers of {request.model} alone"
    return message + (", and figures say how far the model agrees with it" if judged_by_teacher else "")


def _kept_answers(worker: Worker, task: Task, request: TeacherRequest, examples: Sequence[Example]) -> list[Prediction]:
    """The teacher's answers to all examples; the first process that needs them asks, others wait."""
    path = _path(worker, task, request, examples)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock"), worker.should_stop):
        if not path.exists():
            answers = _asked(worker, task, request, examples)
            atomic.write_bytes(path, b"".join(encode_json(answer) + b"\n" for answer in answers))
    decoder = msgspec.json.Decoder(task.prediction)
    with path.open("rb") as lines:
        return [decoder.decode(line) for line in lines]


def _path(worker: Worker, task: Task, request: TeacherRequest, examples: Sequence[Example]) -> Path:
    """Where answers are kept: by all that they depend on."""
    run = worker.request
    state = (request.model, request.digest, task.name, run.device, run.precision, sorted(run.versions.items()))
    digest = hashlib.sha256(encode_json(state))
    for example in examples:
        digest.update(input_key(example))
    return cache_folder() / "teachers" / f"{digest.hexdigest()[:32]}.jsonl"


def _asked(worker: Worker, task: Task, request: TeacherRequest, examples: Sequence[Example]) -> list[Prediction]:
    """Let the teacher answer, with all that it knows of each.

    Raises:
        RunCancelled: a stop was asked for.
    """
    worker.emit(Noted(message=f"{request.model} is asked about {counted(len(examples), 'row')}"))
    predictor = _predictor(worker, task, request)
    answers: list[Prediction] = []
    for start in range(0, len(examples), CHUNK):
        if worker.should_stop():
            raise RunCancelled("stopped while the teacher was asked", "")
        answers += predictor.predict([example.input for example in examples[start : start + CHUNK]])
    return answers


def _predictor(worker: Worker, task: Task, request: TeacherRequest) -> CheckedPredictor:
    """The teacher, loaded.

    Raises:
        Unsupported: its weights are others than when the run was asked for.
    """
    plugin = load_plugin(request.plugin)
    card = card_of(plugin, request.model)
    if card.weights is None or card.weights.digest != request.digest:
        raise Unsupported(f"the teacher {request.model} is another one than when the run began", "start a new run")
    weights = fetch_weights(worker, card)
    assert weights is not None
    ability = card.ability("predict", task.name)
    everything = {"top_k": max(1, len(request.labels))} if "top_k" in option_set(ability).__struct_fields__ else {}
    precision = worker.request.precision
    run = PredictionRun(
        card=card,
        task=task,
        weights=weights,
        options=parse_recorded(ability, everything),
        device=worker.request.device,
        precision=precision if precision in ability.precisions else "fp32",
    )
    return hooks.load_predictor(plugin, run)
