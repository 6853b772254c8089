"""The hooks of an installed plugin, called as a worker calls them: for tests of what they build."""

from __future__ import annotations

from typing import Any

from zoo.ability_options import option_set
from zoo.card import Ability
from zoo.options import Options, parse
from zoo.plugins import load_plugin
from zoo.runs.context import PredictionRun, Predictor, Trainable, TrainingRun


class PluginHooks:
    """The hooks of one plugin, those that zoo has on its body included, and the wrappers of others around them.

    Args:
        plugin: its name.
    """

    def __init__(self, plugin: str) -> None:
        self._plugin = load_plugin(plugin)

    @staticmethod
    def options(ability: Ability, **chosen: Any) -> Options:
        """What hooks find in `run.options`: what was chosen of engine, family and task, and defaults for the others."""
        return parse(option_set(ability), chosen)

    def pretrain(self, run: TrainingRun) -> Trainable:
        """What pretraining trains."""
        trainable: Trainable = self._plugin.hook("pretrain")(run=run)
        return trainable

    def finetune(self, run: TrainingRun) -> Trainable:
        """What fine-tuning trains; of several sources, their objectives over one body."""
        hook = self._plugin.hook_on_body if run.sources else self._plugin.hook
        trainable: Trainable = hook("finetune")(run=run)
        return trainable

    def predict(self, run: PredictionRun) -> Predictor:
        """What answers."""
        predictor: Predictor = self._plugin.hook("predict")(run=run)
        return predictor
