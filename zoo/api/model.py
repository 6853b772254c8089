"""Models: those there are, and one that is loaded into this process and answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from zoo.abilities import predict_options
from zoo.adoption import adopt_alias
from zoo.answers import Answer
from zoo.api.model_names import name_of_finished
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.data.expansion import input_list
from zoo.model_choice import choose_model
from zoo.model_filter import model_filter
from zoo.tasks import get_task

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.answers import Prediction
    from zoo.api.run import Run
    from zoo.devices import Placement
    from zoo.fetch import Progress
    from zoo.options import Options
    from zoo.runs.context import PredictionRun
    from zoo.runs.hooks import CheckedPredictor
    from zoo.tasks.task import Task


def models(
    words: str = "",
    *,
    task: str = "",
    plugin: str = "",
    local: bool = False,
    family: str = "",
    max_parameters: int | str = "",
    fits: str = "",
) -> tuple[Card, ...]:
    """The models there are: those of all plugins, and the results of your own runs.

    Args:
        words: each must occur somewhere in the card.
        task: what the model can be used or trained for, by its Hugging Face pipeline name; models that their plugin
            recommends for it (`Card.recommended_for`) come first.
        plugin: the plugin that owns it.
        local: only those whose weights are on this machine.
        family: the family that it is of, such as `bert`.
        max_parameters: the most parameters that it has, as a number or a text such as `25M`; a model that does not
            state their number is left out.
        fits: a verb, such as `finetune`, for which the memory of this machine has room for it, as in `zoo ls --fits`.

    Raises:
        UnknownModel: there is no such family.
        OptionInvalid: `max_parameters` is no number, or `fits` no verb.
    """
    from zoo.devices import most_memory

    catalog = Catalog.load()
    chosen = model_filter(catalog.cards, most_memory, family=family, max_parameters=max_parameters, fits=fits)
    return tuple(card for card in catalog.search(words, task=task, plugin=plugin, local=local) if chosen.matches(card))


class AnswerStream(Iterator[str]):
    """The pieces of an answer as they come; `answer` is the whole, once there are no more.

    Args:
        items: the pieces, and last the answer.
    """

    def __init__(self, items: Iterator[str | Prediction]) -> None:
        self._items = items
        self.answer: Prediction | None = None
        """None while pieces are still to come."""

    def __next__(self) -> str:
        for item in self._items:
            if isinstance(item, str):
                return item
            self.answer = item
        raise StopIteration


@dataclass(frozen=True)
class Model:
    """A model that is loaded into this process and answers."""

    card: Card
    task: Task
    """What it answers."""
    device: str
    """As torch names it."""
    precision: str
    predictor: CheckedPredictor

    @property
    def labels(self) -> tuple[str, ...]:
        """What a classifier tells apart; empty for other models."""
        return self.card.labels

    @overload
    def predict(self, inputs: str | os.PathLike[str]) -> Prediction: ...
    @overload
    def predict(self, inputs: Iterable[Any]) -> list[Prediction]: ...
    @overload
    def predict(self, inputs: Any) -> Prediction: ...
    def predict(self, inputs: Any) -> Prediction | list[Prediction]:
        """Answer one input, or several in order; one that cannot be read becomes `Rejected` in its place.

        An input is a text; or the path of an image, a PIL image, or an array of uint8 (see `zoo.read_image`); or, for a
        task with inputs in several columns, a dict of them by their roles, or a tuple of them in their order. Several
        are anything that can be iterated: a list, a generator, a column of a data frame, an array of texts, or an
        array of images of shape (count, height, width, channels).

        Raises:
            OptionInvalid: a whole data frame or a mapping, of which it is not known what to answer.
        """
        kind = self.task.input
        several = input_list(inputs, kind)
        values = list(map(kind.from_python, [inputs] if several is None else several))
        predictions = self.predictor.predict(values)
        for value, prediction in zip(values, predictions, strict=True):
            if isinstance(prediction, Answer) and (picture := kind.picture_of(value)):
                prediction.remember_picture(picture)
        return predictions[0] if several is None else predictions

    def with_options(self, **options: Any) -> Model:
        """The same loaded model, asked as if it had been loaded with these options; this one stays as it is.

            model.with_options(temperature=0.7, seed=1).predict("Once upon a time")

        Raises:
            OptionInvalid: an option is none of its own, or out of bounds.
            Unsupported: the model would have to be loaded anew.
        """
        _, parsed = predict_options(self.card, self.task.name, options)
        return replace(self, predictor=self.predictor.with_options(parsed))

    def stream(self, input: Any) -> AnswerStream:
        """Answer one input, and give the text of the answer piece by piece as the model writes it.

        A model whose answers do not grow gives no pieces. The answer is that of `predict`, as `AnswerStream.answer`.

            stream = model.stream("Once upon a time")
            for piece in stream:
                print(piece, end="", flush=True)
            print(stream.answer.finish)
        """
        return AnswerStream(self.predictor.stream(self.task.input.from_python(input)))


def load(
    name: str | Run,
    *,
    task: str = "",
    device: str = "auto",
    precision: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Model:
    """Load a model into this process, fetching its weights if they are not here.

    Args:
        name: of a card or of a finished run; or a run that has finished.
        task: what it shall answer; needed only where it knows several, or is a run with several heads.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16, fp16 or int8.
        on_progress: called as a download goes.
        **options: of the model's predict ability.

    Raises:
        UnknownModel: there is none of that name, or it has several heads that may be meant.
        Unsupported: it has nothing to predict with.
        DownloadFailed: its weights cannot be had.
    """
    name, catalog = name_of_finished(name), Catalog.load()
    card = adopt_alias(name, catalog) or choose_model(catalog, name, "predict", task).card
    return load_card(card, device, precision, on_progress, options, task=task)


def load_card(
    card: Card,
    device: str = "auto",
    precision: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    task: str = "",
    wrappers: tuple[str, ...] | None = None,
) -> Model:
    """Load a model by its card; see `load`, and for the wrappers `zoo.plugins.Plugin`."""
    return plan_load(card, device, precision, options, task=task).load(on_progress, wrappers)


class LoadPlan(NamedTuple):
    """A model that is to be loaded, and how; nothing of it has to be checked any more."""

    card: Card
    task: Task
    options: Options
    placement: Placement

    def load(
        self, on_progress: Callable[[Progress], None] | None = None, wrappers: tuple[str, ...] | None = None
    ) -> Model:
        """Load it; arguments as for `load_card`."""
        from zoo.fetch import fetch
        from zoo.plugins import load_plugin
        from zoo.runs.calibration import finish_of
        from zoo.runs.hooks import load_predictor

        assert self.card.weights is not None
        finish = finish_of(self.card, self.task, self.options)
        run = self.prediction_run(fetch(self.card.weights, on_progress=on_progress))
        predictor = load_predictor(load_plugin(self.card.plugin, wrappers), run, finish)
        return Model(self.card, self.task, run.device, run.precision, predictor)

    def prediction_run(self, weights: Path) -> PredictionRun:
        """What the plugin is given; the weights are a folder that has all their files."""
        from zoo.runs.context import PredictionRun

        return PredictionRun(
            card=self.card,
            task=self.task,
            weights=weights,
            options=self.options,
            device=self.placement.device,
            precision=self.placement.precision,
        )


def plan_load(
    card: Card,
    device: str = "auto",
    precision: str = "auto",
    options: Mapping[str, Any] | None = None,
    *,
    task: str = "",
) -> LoadPlan:
    """Check everything that is to be known before a model is loaded; see `load`."""
    from zoo.devices import choose

    ability, parsed = predict_options(card, task, options or {}, beside=load.__kwdefaults__ or ())
    placement = choose(device, precision, supported=ability.precisions, preferred=ability.preferred_precision)
    ability.check_precision(placement.precision)
    return LoadPlan(card, get_task(ability.task), parsed, placement)
