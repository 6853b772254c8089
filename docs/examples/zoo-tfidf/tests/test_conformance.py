"""zoo-tfidf keeps the contract of plugins."""

from zoo.testing import PluginConformance


class TestTfidf(PluginConformance):
    plugin = "tfidf"
    model = "tfidf"
    lacks = frozenset({"pretrain", "gradients", "steps"})
