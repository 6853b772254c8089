"""What zoo does for a plugin that gives a body: the hooks for the verbs that the plugin has none of its own for.

They run in a worker; what they need of torch is imported by name, when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pluggy

from zoo.errors import PluginBroken, Unsupported
from zoo.hookspecs import hookimpl
from zoo.plurals import with_article

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, Trainable, TrainingRun


class BodyHooks:
    """Hooks that pluggy asks after those of the plugin, whose wrappers surround these, too.

    Args:
        manager: knows the plugin's hook `body`.
        plugin: its name.
    """

    def __init__(self, manager: pluggy.PluginManager, plugin: str) -> None:
        self._manager, self._plugin = manager, plugin

    @hookimpl(trylast=True)
    def pretrain(self, run: TrainingRun) -> Trainable:
        """What the task is learnt by, on the body."""
        return self.finetune(run)

    @hookimpl(trylast=True)
    def finetune(self, run: TrainingRun) -> Trainable:
        """What the task is learnt by, on the body; its first numbers are drawn from the seed of the run.

        A run with several sources learns the tasks of all.
        """
        importlib.import_module("torch").manual_seed(run.options.seed)
        trainable: Trainable
        if run.sources:
            trainable = importlib.import_module("zoo.training.objectives.joint").Joint(run, self.body_of)
        else:
            trainable = self.body_of(run).objective(run)
        return trainable

    @hookimpl(trylast=True)
    def predict(self, run: PredictionRun) -> Predictor:
        """What answers with the body, and the head of the weights."""
        predictor: Predictor = self.body_of(run).predictor(run)
        return predictor

    def body_of(self, run: TrainingRun | PredictionRun) -> Any:
        """What the plugin's hook gives.

        Raises:
            Unsupported: nothing.
            PluginBroken: something else.
        """
        body = self._manager.hook.body(run=run)
        if body is None:
            raise Unsupported(
                f"{run.card.name} has no body that other heads could be put on", "fine-tune it from one source"
            )
        if not isinstance(body, importlib.import_module("zoo.training").Body):
            kind = with_article(type(body).__name__)
            raise PluginBroken(
                f"the hook body of plugin {self._plugin} gave {kind}, not a zoo.training.Body",
                "the plugin's author must mend it: zoo plugins guide body",
            )
        return body
