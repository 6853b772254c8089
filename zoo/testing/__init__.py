"""What plugin authors test with: the contract of plugins as a pytest class.

    from zoo.testing import PluginConformance

    class TestMine(PluginConformance):
        plugin = "mine"
        model = "mine-tiny"

`PluginHooks("mine").finetune(run)` gives what a worker would train, for tests of an objective.

Needs pytest (`zoo-models[testing]`). The runs of these tests are real ones, in worker processes, with a store of their
own.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("zoo.testing.conformance", "zoo.testing.description", "zoo.testing.learning")
pytest.register_assert_rewrite("zoo.testing.answering", "zoo.testing.interruption", "zoo.testing.leaving")
pytest.register_assert_rewrite("zoo.testing.several")

from zoo.testing.conformance import PluginConformance as PluginConformance  # noqa: E402 - after rewriting is asked for
from zoo.testing.plugin_hooks import PluginHooks as PluginHooks  # noqa: E402

__all__ = ["PluginConformance", "PluginHooks"]
