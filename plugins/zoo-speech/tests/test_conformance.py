"""zoo-speech keeps the contract of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import zoo
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
    options: ClassVar = {"max_steps": 30}


class TestWhisper(PluginConformance):
    """A small one of random numbers, pulled as from the Hub."""

    plugin = "speech"
    model = "small-en"
    lacks = frozenset({"pretrain", "sources"})
    options: ClassVar = {"max_steps": 16, "batch_size": 8, "lr": 3e-3}

    @pytest.fixture(scope="class")
    @classmethod
    def card(cls, home: Path, whispers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zoo.Card]:
        """The card of the model that was pulled."""
        folder = tmp_path_factory.mktemp("models") / cls.model
        whispers.save(folder)
        with whispers.pulled({cls.model: folder}):
            yield zoo.load(cls.model, device="cpu").card
