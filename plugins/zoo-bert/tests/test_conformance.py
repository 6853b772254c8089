"""zoo-bert keeps the contract of plugins."""

from __future__ import annotations

import pytest

from zoo.testing import PluginConformance

pytestmark = pytest.mark.slow


class TestBert(PluginConformance):
    plugin = "bert"
    model = "bert-tiny"
    options = {"max_steps": 80}
