"""PluginConformance: the contract of plugins, as tests that a plugin subclasses."""

from __future__ import annotations

from zoo.testing.answering import Answering
from zoo.testing.description import Description
from zoo.testing.interruption import Interruption
from zoo.testing.learning import Learning
from zoo.testing.leaving import Leaving
from zoo.testing.several import Several


class PluginConformance(Description, Learning, Leaving, Interruption, Several, Answering):
    """The whole contract; a subclass named `Test...` says which plugin and which model of it.

    What the model has no ability for, or its training no way to do, is declared in `lacks`; a lack that is not
    declared fails, and so does a declaration that is not true:

    - `pretrain`, `finetune`, `predict`: the card has no such ability;
    - `gradients`: training is not a `zoo.training.Objective` but a `fit` of the plugin's own;
    - `steps`: training happens in one go and reports no step, so that there is nothing to stop, and nothing to resume,
      half-way;
    - `sources`: the plugin gives bodies, but none of this model, so that it learns from one source at a time;
    - `loss`: it has steps, but minimises nothing whose value falls, as with indexing or counting. This one is believed.
    """
