"""What a teacher says of the rows of a training: asked once, and kept for whoever learns from the same again."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import cycle, islice

import msgspec

from zoo.ability_options import option_set, parse_recorded
from zoo.answers import Prediction, Rejected
from zoo.card import Card
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.encoding import encode_json
from zoo.errors import DatasetInvalid, RunCancelled, UnknownModel, UnknownPlugin, Unsupported
from zoo.locking import locked
from zoo.plugins import Plugin, load_plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.context import PredictionRun, Teaching
from zoo.runs.events import Noted, TeacherAnswered
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.kept_answers import AnswersHeading, KeptAnswers, keep, lock_of, path_of
from zoo.runs.preparation import card_of, fetch_weights
from zoo.runs.request import TeacherRequest
from zoo.runs.training_data import TrainingData
from zoo.tasks.task import Task

CHUNK = 64
"""Examples handed to the predictor at once."""
EVENT_S = 0.5
"""Least time between two events of how far the teacher is."""
DRY_ROWS = 32
"""Rows that a dry run asks about, where nothing is kept; it repeats them as often as there are rows."""


class AnswersOfExamples(Mapping[int, Prediction]):
    """Answers by `id(example)`.

    Args:
        examples: that a teacher was asked about.
        answers: in their order; fewer in a dry run, where they come again.
    """

    def __init__(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> None:
        self._answers = answers
        self._places = {id(example): place for place, example in enumerate(examples)}

    def __getitem__(self, example: int) -> Prediction:
        return self._answers[self._places[example] % len(self._answers)]

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def teach(worker: Worker, task: Task, data: TrainingData) -> tuple[TrainingData, Teaching | None]:
    """Ask the teacher of a source, if it has one, about the rows to train on.

    Where the data have no targets, its answers are the targets: also of the rows that are held out, unless evaluation
    data say more. So they are of rows without one in data that have targets; of those that are held out all have.

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
    untargeted = tuple(example for example in data.train if example.target is None)
    targeted = tuple(example for example in data.train if example.target is not None)
    answered = (*untargeted, *(data.eval if judged_by_teacher else ()))
    answers = _answers(worker, task, request, (*answered, *targeted))
    if untargeted:
        answered = _answered(answered, answers, task, request)
        held_out = answered[len(untargeted) :] if judged_by_teacher else data.eval
        untargeted = answered[: len(untargeted)]
        data = replace(data, train=(*targeted, *untargeted), eval=held_out)
        worker.emit(Noted(message=_no_targets(request, len(untargeted), judged_by_teacher=judged_by_teacher)))
    return data, Teaching(
        answers=AnswersOfExamples((*untargeted, *targeted), answers),
        share=request.share,
        temperature=request.temperature,
        alone=frozenset(map(id, untargeted)) if request.labelled else frozenset(),
    )


def _answered(
    examples: Sequence[Example], answers: Sequence[Prediction], task: Task, request: TeacherRequest
) -> tuple[Example, ...]:
    """Examples whose targets are answers; in a dry run those that were answered, as often as it takes.

    Raises:
        DatasetInvalid: none could be answered.
    """
    assert task.target is not None  # a task that can be taught has one
    of_answer = task.target.of_answer
    own = islice(answers, len(examples))
    targets = [None if isinstance(one, Rejected) else of_answer(one.as_target()) for one in own]
    usual = next((target for target in targets if target is not None), None)
    if usual is None:
        raise DatasetInvalid(f"{request.model} could answer none of the rows", "zoo predict shows why")
    pairs = zip(examples, targets, strict=False)
    answered = [
        msgspec.structs.replace(example, target=usual if target is None else target) for example, target in pairs
    ]
    return tuple(answered if len(answered) == len(examples) else map(copy, islice(cycle(answered), len(examples))))


def _no_targets(request: TeacherRequest, rows: int, *, judged_by_teacher: bool) -> str:
    if request.labelled:
        learnt = "is learnt" if rows == 1 else "are learnt"
        return f"{counted(rows, 'row')} without a target {learnt} from the answers of {request.model} alone"
    message = f"the data have no targets: they are learnt from the answers of {request.model} alone"
    return message + (", and figures say how far the model agrees with it" if judged_by_teacher else "")


def _answers(worker: Worker, task: Task, request: TeacherRequest, examples: Sequence[Example]) -> Sequence[Prediction]:
    """The teacher's answers to all examples; the first process that needs them asks, others wait."""
    path = path_of(_digest(worker, task, request, examples))
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock_of(path), worker.should_stop):
        with contextlib.suppress(FileNotFoundError):
            return KeptAnswers(path, task)
        if worker.request.dry_run:
            return _asked(worker, task, request, examples[:DRY_ROWS])
        worker.emit(Noted(message=f"{request.model} is asked about {counted(len(examples), 'row')}"))
        answers = _asked(worker, task, request, examples)
        keep(path, AnswersHeading(teacher=request.model, task=task.name), answers)
        return KeptAnswers(path, task)


def _digest(worker: Worker, task: Task, request: TeacherRequest, examples: Sequence[Example]) -> str:
    """Of all that answers depend on."""
    run = worker.request
    options = sorted(task.taught_options.items())
    state = (request.model, request.digest, task.name, options, run.device, run.precision, sorted(run.versions.items()))
    version = (request.version,) if request.version else ()
    digest = hashlib.sha256(encode_json((*state, *version)))
    for example in examples:
        digest.update(input_key(example))
    return digest.hexdigest()[:32]


def _asked(worker: Worker, task: Task, request: TeacherRequest, examples: Sequence[Example]) -> list[Prediction]:
    """Let the teacher answer, with all that it knows of each.

    Raises:
        RunCancelled: a stop was asked for.
    """
    predictor = _predictor(worker, task, request)
    answers: list[Prediction] = []
    reported_at = 0.0
    for start in range(0, len(examples), CHUNK):
        if worker.should_stop():
            raise RunCancelled("stopped while the teacher was asked", "")
        answers += predictor.predict([example.input for example in examples[start : start + CHUNK]])
        if len(answers) == len(examples) or time.monotonic() - reported_at >= EVENT_S:
            reported_at = time.monotonic()
            worker.emit(TeacherAnswered(model=request.model, done=len(answers), total=len(examples)))
    return answers


def _card(request: TeacherRequest) -> tuple[Plugin, Card]:
    """The teacher's plugin and card.

    Raises:
        UnknownModel: it is gone.
        Unsupported: its weights are others than when the run was asked for.
    """
    try:
        plugin = load_plugin(request.plugin)
        card = card_of(plugin, request.model)
    except (UnknownModel, UnknownPlugin) as error:
        raise UnknownModel(
            f"the teacher {request.model} is gone, and its answers to these rows are not kept",
            "bring it back under that name, or start a new run with another --teacher",
        ) from error
    if card.weights is None or card.weights.digest != request.digest:
        raise Unsupported(f"the teacher {request.model} is another one than when the run began", "start a new run")
    return plugin, card


def _predictor(worker: Worker, task: Task, request: TeacherRequest) -> CheckedPredictor:
    """The teacher, loaded."""
    plugin, card = _card(request)
    weights = fetch_weights(worker, card)
    assert weights is not None
    ability = card.ability("predict", task.name)
    options = dict(task.taught_options)
    if "top_k" in option_set(ability).__struct_fields__:
        options["top_k"] = max(1, len(request.labels))
    precision = worker.request.precision
    run = PredictionRun(
        card=card,
        task=task,
        weights=weights,
        options=parse_recorded(ability, options),
        device=worker.device,
        precision=precision if precision in ability.precisions else "fp32",
    )
    return hooks.load_predictor(plugin, run)
