"""zoo-timm keeps the contract of plugins."""

from __future__ import annotations

import pytest

from zoo.testing import PluginConformance

pytest.importorskip("timm")
pytestmark = pytest.mark.slow


class TestTimm(PluginConformance):
    plugin = "timm"
    model = "resnet10t-scratch"
    options = {"max_steps": 30, "image_size": 32}
