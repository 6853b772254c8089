"""zoo-resnet keeps the contract of plugins."""

from __future__ import annotations

from zoo.testing import PluginConformance


class TestResnet(PluginConformance):
    plugin = "resnet"
    model = "resnet10-32px"
    options = {"max_steps": 40, "image_size": 16}
