"""zoo-bert keeps the contract of plugins."""

from __future__ import annotations

from zoo.testing import PluginConformance


class TestBert(PluginConformance):
    plugin = "bert"
    model = "bert-tiny"
    options = {"max_steps": 80}
