"""zoo-speech keeps the contract of plugins."""

from __future__ import annotations

from typing import ClassVar

import pytest

from zoo.testing import PluginConformance

pytestmark = pytest.mark.slow


class TestRecognition(PluginConformance):
    plugin = "speech"
    model = "deepspeech-tiny"
    lacks = frozenset({"pretrain"})
    options: ClassVar = {"max_steps": 60, "spec_augment": False}


class TestSamples(PluginConformance):
    plugin = "speech"
    model = "wav2vec2-tiny"
    options: ClassVar = {"max_steps": 60}
