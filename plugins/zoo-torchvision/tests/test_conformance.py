"""zoo-torchvision keeps the contract of plugins."""

from __future__ import annotations

import pytest

from zoo.testing import PluginConformance

pytestmark = pytest.mark.slow


class TestTorchvision(PluginConformance):
    plugin = "torchvision"
    model = "densenet121-scratch"
    options = {"max_steps": 30, "image_size": 32}
