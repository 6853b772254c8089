"""Calling the hooks of a plugin, and holding what they give to the contract: whoever breaks it is named."""

from __future__ import annotations

from typing import Any, get_args

from zoo.errors import PluginBroken, ZooError
from zoo.plugins import Plugin
from zoo.prediction import Prediction
from zoo.runs.context import PredictionRun, Predictor, Trainable, TrainingRun
from zoo.sanitize import one_line

_PREDICTIONS: tuple[type, ...] = get_args(Prediction)


def build_trainable(plugin: Plugin, verb: str, run: TrainingRun) -> Trainable:
    """What the hook of a verb builds.

    Raises:
        PluginBroken: it is nothing that can be fitted.
    """
    trainable: Trainable = plugin.hook(verb)(run=run)
    if not callable(getattr(trainable, "fit", None)):
        raise PluginBroken(
            f"the hook {verb} of plugin {plugin.name} gave {_named(trainable)}, which has no method fit(run)",
            "return a zoo.training.Objective, or something with a fit of its own",
        )
    return trainable


def load_predictor(plugin: Plugin, run: PredictionRun) -> Predictor:
    """What the hook `predict` loads; each of its answers is looked at.

    Raises:
        PluginBroken: the hook failed, or it gave nothing that answers.
    """
    try:
        predictor: Predictor = plugin.hook("predict")(run=run)
    except Exception as error:
        if _speaks_for_itself(error):
            raise
        raise _broken(plugin, f"fails to load {run.card.name}", error) from error
    if not callable(getattr(predictor, "predict", None)):
        raise PluginBroken(
            f"the hook predict of plugin {plugin.name} gave {_named(predictor)}, which has no method predict(inputs)",
            "return something that has",
        )
    return _Checked(plugin, run.card.name, predictor)


class _Checked:
    """A predictor that gives one prediction for each input, or says that it does not."""

    def __init__(self, plugin: Plugin, model: str, predictor: Predictor) -> None:
        self._plugin, self._model, self._predictor = plugin, model, predictor

    def __getattr__(self, name: str) -> Any:
        """What else the plugin's own predictor offers."""
        return getattr(self._predictor, name)

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order."""
        try:
            found = list(self._predictor.predict(inputs))
        except Exception as error:
            if _speaks_for_itself(error):
                raise
            raise _broken(self._plugin, f"fails to answer with {self._model}", error) from error
        if len(found) != len(inputs):
            raise PluginBroken(
                f"plugin {self._plugin.name} gave {len(found)} answers to {len(inputs)} inputs",
                "a predictor gives one for each, in order; zoo.Rejected(reason) stands for what cannot be answered",
            )
        if odd := [one for one in found if not isinstance(one, _PREDICTIONS)]:
            names = ", ".join(f"zoo.{kind.__name__}" for kind in _PREDICTIONS)
            raise PluginBroken(f"plugin {self._plugin.name} answered with {_named(odd[0])}", f"answers are {names}")
        return found


def _speaks_for_itself(error: Exception) -> bool:
    """Whether it is one of ours, or tells of memory: neither is the plugin's fault."""
    return isinstance(error, ZooError | MemoryError) or "out of memory" in said(error).lower()


def _broken(plugin: Plugin, failure: str, error: Exception) -> PluginBroken:
    message = f"plugin {plugin.name} {failure}: {type(error).__name__}: {said(error)}"
    return PluginBroken(message, "the plugin's author must mend it; the traceback (zoo -v, or zoo logs) shows where")


def said(error: BaseException) -> str:
    """The words of an error in one line; a stranger's error may have none, or fail to tell them."""
    try:
        return one_line(str(error))[:500] or "no message"
    except Exception as worse:
        return f"its message cannot be read ({type(worse).__name__})"


def _named(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
