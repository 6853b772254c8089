"""zoo-echo keeps the contract of plugins."""

from __future__ import annotations

import pytest

from zoo.testing import PluginConformance

pytestmark = pytest.mark.slow


class TestEcho(PluginConformance):
    plugin = "echo"
    model = "echo"
    lacks = frozenset({"pretrain", "gradients"})
    options = {"pause_ms": 30}
