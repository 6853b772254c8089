"""zoo-resnet keeps the contract of plugins."""

from __future__ import annotations

import pytest

from zoo.testing import PluginConformance

pytestmark = pytest.mark.slow


class TestResnet(PluginConformance):
    plugin = "resnet"
    model = "resnet10-32px"
    options = {"max_steps": 40, "image_size": 16}
