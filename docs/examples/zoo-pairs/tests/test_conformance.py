"""zoo-pairs keeps the contract of plugins."""

from zoo.testing import PluginConformance


class TestPairs(PluginConformance):
    plugin = "pairs"
    model = "shared-words"
    lacks = frozenset({"pretrain", "gradients", "steps"})
