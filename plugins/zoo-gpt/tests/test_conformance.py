"""zoo-gpt keeps the contract of plugins."""

from __future__ import annotations

import pytest

from zoo.testing import PluginConformance

pytestmark = pytest.mark.slow


class TestGpt(PluginConformance):
    plugin = "gpt"
    model = "gpt-tiny-scratch"
    options = {"max_steps": 60}
