"""Calling the hooks of a plugin, and holding what they give to the contract: whoever breaks it is named."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from zoo.answers import Prediction, is_encodable_input, predict_encodable, predict_encodable_chunks
from zoo.errors import PluginBroken, Unsupported, ZooError
from zoo.memory import is_out_of_memory, release_memory
from zoo.options import Options
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.portions import Portions
from zoo.runs import forks
from zoo.runs.calibration import Finish
from zoo.runs.context import (
    AdjustablePredictor,
    ChunkPredictor,
    FitResult,
    JudgedPredictor,
    PredictionRun,
    Predictor,
    StreamingPredictor,
    Trainable,
    TrainingRun,
)
from zoo.runs.contract import AnswerCheck, ReportCheck, broken, type_of
from zoo.runs.result import answers_by_onnx
from zoo.runs.stored_answers import compare_stored_answers
from zoo.sanitize import error_text


def fit(plugin: Plugin, verb: str, run: TrainingRun) -> FitResult:
    """Train what the hook of a verb builds.

    Raises:
        PluginBroken: it is nothing that can be fitted, or it breaks the contract.
    """
    check = ReportCheck(plugin.name, run.task, run.emit)
    run = dataclasses.replace(run, emit=check)
    hook = plugin.hook_on_body(verb) if run.sources or run.is_federated else plugin.hook(verb)
    trainable: Trainable = hook(run=run)
    if not callable(getattr(trainable, "fit", None)):
        raise PluginBroken(
            f"the hook {verb} of plugin {plugin.name} gave {type_of(trainable)}, which has no method fit(run)",
            "return a zoo.training.Objective, or something with a fit of its own (zoo plugins guide contract)",
        )
    if run.is_private and not getattr(trainable, "trains_privately", False):
        raise Unsupported(
            f"plugin {plugin.name} trains by a loop of its own, which --private cannot make private", "leave it out"
        )
    if run.shard and not (run.sources or hasattr(trainable, "layers")):
        raise Unsupported(
            f"plugin {plugin.name} trains {run.card.name} by a fit of its own, and not by the engine, which shards",
            "leave --shard out",
        )
    result = check.result(trainable.fit(run), run)
    if not (result.cancelled or run.dry_run or run.rank) and not _has_files(run.model_folder):
        raise PluginBroken(
            f"plugin {plugin.name} finished its fit, but wrote no model into run.model_folder ({run.model_folder})",
            "write what the predictor needs there (zoo plugins guide contract)",
        )
    return result


def load_predictor(plugin: Plugin, run: PredictionRun, finish: Finish | None = None) -> CheckedPredictor:
    """What the hook `predict` loads; each of its answers is looked at.

    Args:
        plugin: that owns the model.
        run: how it is to be loaded.
        finish: what becomes of the answers; None where they stay as they are.

    Raises:
        PluginBroken: the hook failed, or it gave nothing that answers.
        Unsupported: this process was forked from one that used the device.
    """
    if finish is not None:
        run = dataclasses.replace(run, options=finish.options)
    forks.use_device(run.device, run.card.name)
    try:
        predictor: Predictor = _predict_hook(plugin, run)(run=run)
    except Exception as error:
        if _speaks_for_itself(error):
            raise
        raise _broken(plugin, f"fails to load {run.card.name}", error) from error
    if not callable(getattr(predictor, "predict", None)):
        raise PluginBroken(
            f"the hook predict of plugin {plugin.name} gave {type_of(predictor)}, which has no method predict(inputs)",
            "return something that has (zoo plugins guide contract)",
        )
    checked = CheckedPredictor(plugin, run, predictor)
    compare_stored_answers(run, checked)
    checked.finish = finish
    return checked


def _predict_hook(plugin: Plugin, run: PredictionRun) -> Callable[..., Predictor]:
    """What loads the weights: the plugin, unless they are a network for ONNX Runtime; wrappers surround both."""
    if answers_by_onnx(run.weights):
        return plugin.surrounded("predict", importlib.import_module("zoo.training.portable.int8").predictor)
    return plugin.hook("predict")


class CheckedPredictor:
    """A predictor that gives one prediction for each input, or says that it does not."""

    def __init__(self, plugin: Plugin, run: PredictionRun, predictor: Predictor) -> None:
        self._plugin, self.prediction_run, self._predictor = plugin, run, predictor
        self.run = run
        self._model, self._device = run.card.name, run.device
        self._from_files = run.task.input.from_files
        self._portions = Portions()
        self._check = AnswerCheck(plugin.name, run.task, run.card.labels)
        self.finish: Finish | None = None
        """What becomes of the answers."""

    def __getattr__(self, name: str) -> Any:
        """What else the plugin's own predictor offers."""
        return getattr(self._predictor, name)

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order; no tokenizer takes text that is not UTF-8."""
        return self._predict(inputs) if self._from_files else predict_encodable(self._predict, inputs)

    def predict_chunks(self, chunks: Iterable[list[Any]]) -> Iterator[list[Prediction]]:
        """The same for chunk after chunk, of which the plugin may take some ahead of their answers."""
        predictor = self._predictor
        if not isinstance(predictor, ChunkPredictor):
            yield from (self.predict(chunk) if chunk else [] for chunk in chunks)
        elif self._from_files:
            yield from self._predict_chunks(predictor, chunks)
        else:
            yield from predict_encodable_chunks(partial(self._predict_chunks, predictor), chunks)

    @property
    def streams(self) -> bool:
        """Whether answers come in pieces."""
        return isinstance(self._predictor, StreamingPredictor)

    @property
    def chats(self) -> bool:
        """Whether it answers conversations."""
        return bool(getattr(self._predictor, "chats", False))

    @property
    def adjusts(self) -> bool:
        """Whether it can be asked with other options without being loaded anew."""
        return isinstance(self._predictor, AdjustablePredictor)

    def with_options(self, options: Options) -> CheckedPredictor:
        """The same, asked with other options.

        Args:
            options: of the type of those it was loaded with.

        Raises:
            Unsupported: it cannot be.
        """
        if not isinstance(self._predictor, AdjustablePredictor):
            raise Unsupported(f"{self._model} keeps the options that it was loaded with", "load it anew with others")
        finish = self.finish and self.finish.with_options(options)
        options = finish.options if finish else options
        adjusted = CheckedPredictor(
            self._plugin,
            dataclasses.replace(self.prediction_run, options=options),
            self._predictor.with_options(options),
        )
        adjusted.finish = finish
        return adjusted

    def stream(self, input: Any) -> Generator[str | Prediction]:
        """The pieces of an answer as they come, if the plugin gives any, and last the answer itself."""
        if not isinstance(self._predictor, StreamingPredictor) or not is_encodable_input(input):
            yield from self.predict([input])
            return
        answer: Any = None
        with self._errors_named():
            for item in self._predictor.stream(input):
                if isinstance(item, str):
                    yield item
                else:
                    answer = item
        if answer is None:
            raise broken(self._plugin.name, "gave no answer at the end of stream(input)", "yield it last")
        yield from self._finished([answer])

    def judged(self, inputs: list[Any], targets: list[Any]) -> list[Prediction]:
        """What each input is judged by: mostly the answer."""
        if not isinstance(self._predictor, JudgedPredictor):
            return self.predict(inputs)
        predictor = self._predictor

        def judged(pairs: list[tuple[Any, Any]]) -> list[Prediction]:
            with self._errors_named():
                return list(predictor.judged(*map(list, zip(*pairs, strict=True))))

        pairs = list(zip(inputs, targets, strict=True))
        return [answer for answers in self._portions.each(judged, pairs) for answer in answers]

    def judged_chunks(self, chunks: Iterable[tuple[list[Any], list[Any]]]) -> Iterator[list[Prediction]]:
        """The same for chunk after chunk of inputs and targets, of which the plugin may take some ahead."""
        if isinstance(self._predictor, JudgedPredictor):
            return (self.judged(inputs, targets) for inputs, targets in chunks)
        return self.predict_chunks(inputs for inputs, _ in chunks)

    def _predict(self, inputs: list[Any]) -> list[Prediction]:
        return [answer for answers in self._portions.each(self._answers, inputs) for answer in answers]

    def _answers(self, inputs: list[Any]) -> list[Prediction]:
        with self._errors_named():
            answers = self._predictor.predict(inputs)
            answers = list(answers) if isinstance(answers, Iterable) else answers
        return self._checked(answers, len(inputs), "predict(inputs)")

    def _predict_chunks(self, predictor: ChunkPredictor, chunks: Iterable[list[Any]]) -> Iterator[list[Prediction]]:
        source = _TakenChunks(chunks)
        try:
            yield from self._answered(predictor, source)
        except Exception as error:
            if error is source.failure or not is_out_of_memory(error):
                raise
        else:
            return
        # After the block, as the error keeps everything alive that was computed so far; and without looking ahead.
        release_memory()
        yield from map(self._predict, source.unanswered())

    def _answered(self, predictor: ChunkPredictor, source: _TakenChunks) -> Iterator[list[Prediction]]:
        with self._errors_named(source):
            for answers in predictor.predict_chunks(source):
                if not source.taken:
                    raise self._uneven("more")
                answered = self._checked(answers, len(source.taken[0]), "predict_chunks(chunks)")
                source.taken.popleft()
                yield answered
        if source.taken or next(source, None) is not None:
            raise self._uneven("fewer")

    def _uneven(self, how: str) -> PluginBroken:
        return broken(
            self._plugin.name, f"gave {how} chunks of answers than of inputs", "predict_chunks gives one for each"
        )

    def _checked(self, answers: Any, count: int, method: str) -> list[Prediction]:
        if not isinstance(answers, list):
            raise broken(self._plugin.name, f"gave {type_of(answers)} from {method}", "return a list of answers")
        if len(answers) != count:
            raise PluginBroken(
                f"plugin {self._plugin.name} gave {counted(len(answers), 'answer')} to {counted(count, 'input')}",
                "a predictor gives one for each, in order; zoo.Rejected(reason) stands for what cannot be "
                "answered (zoo plugins guide contract)",
            )
        return self._finished(answers)

    def _finished(self, answers: list[Any]) -> list[Prediction]:
        checked = self._check(answers)
        return checked if self.finish is None else self.finish(checked)

    @contextlib.contextmanager
    def _errors_named(self, source: _TakenChunks | None = None) -> Iterator[None]:
        """Let the plugin answer, and name it where it fails, and not what gives the inputs."""
        forks.use_device(self._device, self._model)
        try:
            yield
        except Exception as error:
            if _speaks_for_itself(error) or (source and error is source.failure):
                raise
            raise _broken(self._plugin, f"fails to answer with {self._model}", error) from error


class _TakenChunks(Iterator[list[Any]]):
    """Chunks of inputs as a plugin takes them."""

    def __init__(self, chunks: Iterable[list[Any]]) -> None:
        self._chunks = iter(chunks)
        self.taken: deque[list[Any]] = deque()
        """Those that are not answered yet."""
        self.failure: Exception | None = None
        """Why there are no more."""

    def __next__(self) -> list[Any]:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
        self.taken.append(chunk)
        return chunk

    def unanswered(self) -> Iterator[list[Any]]:
        """Those that were taken and not answered, and all that follow."""
        while self.taken:
            yield self.taken.popleft()
        yield from self._chunks


def _speaks_for_itself(error: Exception) -> bool:
    """Whether it is one of ours, or reports a lack of memory: neither is the plugin's fault."""
    return isinstance(error, ZooError) or is_out_of_memory(error)


def _broken(plugin: Plugin, failure: str, error: Exception) -> PluginBroken:
    message = f"plugin {plugin.name} {failure}: {type(error).__name__}: {error_text(error)}"
    return PluginBroken(message, "the plugin's author must mend it; the traceback (zoo -v, or zoo logs) shows where")


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))
