"""What models answer to the rows they are compared by: each is asked once, and what it said is kept."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.ability_options import parse_recorded
from zoo.answers import Prediction
from zoo.comparison.rows import JudgedModel
from zoo.data.example import Example
from zoo.disk import cause_of
from zoo.encoding import encode_json
from zoo.fetch import Progress as FetchProgress
from zoo.fetch import fetch
from zoo.file_cache import release
from zoo.locking import locked
from zoo.memory import release_memory
from zoo.plugins import load_plugin
from zoo.runs import hooks
from zoo.runs.calibration import finish_of, read_calibration
from zoo.runs.context import PredictionRun
from zoo.runs.kept_answers import AnswersHeading, KeptAnswers, keep, lock_of, path_of
from zoo.runs.preparation import judging_options
from zoo.tasks import get_task

CHUNK = 256
"""Examples handed to the predictor at once."""


class Listener:
    """Is told how far the answers are; a view has a subclass of it."""

    def note(self, message: str) -> None:
        """Something that a person may want to know."""

    def fetching(self, progress: FetchProgress) -> None:
        """How a download of weights goes."""

    def answered(self, model: str, done: int, total: int) -> None:
        """How many rows a model has answered."""


def answers_of(model: JudgedModel, examples: Sequence[Example], listener: Listener) -> Sequence[Prediction]:
    """What a model answers to rows, as its judge wants to be told; from the last time, where nothing has changed since.

    Args:
        model: that is asked.
        examples: the rows, their labels as it spells them.
        listener: told how it goes.

    Raises:
        ZooError: the model cannot be loaded, or fails to answer.
    """
    path = path_of(_digest(model, examples))
    with _alone(path):
        with contextlib.suppress(OSError):
            kept = KeptAnswers(path, model.task)
            listener.note(f"{model.subject.name} has answered these rows before: its answers were kept")
            return kept
        answers = list(_asked(model, examples, listener))
        try:
            keep(path, AnswersHeading(teacher=model.card.full_name, task=model.task.name), answers)
            return KeptAnswers(path, model.task)
        except OSError as error:
            listener.note(f"the answers of {model.subject.name} are not kept: {cause_of(error, path).reason}")
            return answers


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other process ask for the same answers meanwhile; where nothing can be written, they are only not kept."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(lock_of(path), lambda: False))
        yield


def _digest(model: JudgedModel, examples: Sequence[Example]) -> str:
    """Of all that answers depend on, what the data say of a row included: some models are judged by that."""
    request, weights = model.request, model.card.weights
    assert weights is not None
    options = sorted(judging_options(request).items())
    version = load_plugin(model.card.plugin).version
    calibration = read_calibration(model.card) if model.task.calibratable else None
    calibrated_at = calibration.created_at if calibration else None
    state = ("judged", request.model, weights.digest, request.task, options, request.device, request.precision)
    digest = hashlib.sha256(
        encode_json((*state, sorted(request.versions.items()), version, request.wrappers, calibrated_at))
    )
    for example in examples:
        digest.update(encode_json((example.digest or example.input, example.target), enc_hook=str))
    return digest.hexdigest()[:32]


def _asked(model: JudgedModel, examples: Sequence[Example], listener: Listener) -> Iterator[Prediction]:
    """Load a model, let it answer, and let go of it."""
    request, card = model.request, model.card
    assert card.weights is not None
    listener.note(f"{model.subject.name}: loading {card.name}, {request.device}, {request.precision}")
    ability = card.ability("predict", request.task)
    options = parse_recorded(ability, judging_options(request))
    finish = finish_of(card, model.task, options, judging=True)
    release()
    run = PredictionRun(
        card=card,
        task=get_task(request.task),
        weights=fetch(card.weights, on_progress=listener.fetching),
        options=options,
        device=request.device,
        precision=request.precision,
        note=listener.note,
    )
    predictor = hooks.load_predictor(load_plugin(card.plugin, request.wrappers), run, finish)
    parts = (examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK))
    done = 0
    for answers in predictor.judged_chunks(
        ([one.input for one in part], [one.target for one in part]) for part in parts
    ):
        yield from answers
        done += len(answers)
        listener.answered(model.subject.name, done, len(examples))
    del predictor
    release_memory()
