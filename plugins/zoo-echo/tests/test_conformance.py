"""zoo-echo keeps the contract of plugins."""

from __future__ import annotations

from zoo.testing import PluginConformance


class TestEcho(PluginConformance):
    plugin = "echo"
    model = "echo"
    lacks = frozenset({"pretrain", "gradients"})
    options = {"pause_ms": 30}
