"""What zoo makes of the classes of transformers that a model may be saved from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from zoo import Card, Weights


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Models that are computed alike.

    Parts are named as `module:class` within this package: torch arrives when one of them is asked for.
    """

    ending: str
    """Of the names of their classes."""
    describe: Callable[[Repository, Reading], Card]
    """Makes the card of one."""
    task: str = ""
    """What they answer; empty where their configuration says which."""
    body: str = ""
    """What tasks are learnt on and answered with."""
    learner: str = ""
    """What has a loss of its own to learn by."""
    predictor: str = ""
    """What has an answer of its own."""
    predicted: str = ""
    """The task that this answers; empty for `task`."""
    asked: tuple[str, ...] = ()
    """Architectures that are taken; empty for any."""
    learnt: tuple[str, ...] = ()
    """Architectures whose networks learn by themselves what they answer."""

    def part(self, name: str) -> Any:
        """The class that a part is."""
        module, _, of_module = name.partition(":")
        return getattr(import_module(f"zoo_transformers.{module}"), of_module)


@dataclass(frozen=True)
class Repository:
    """What is known of a model before it is fetched."""

    name: str
    """Of the card."""
    config: dict[str, Any]
    """Content of `config.json`."""
    weights: Weights
    """All its files."""
    documents: dict[str, Any]
    """The small configuration files, by name."""
    classes: frozenset[str]
    """Those that transformers has of the architecture."""

    @property
    def model_type(self) -> str:
        """The architecture."""
        return str(self.config["model_type"])

    @property
    def saved_from(self) -> str:
        """The class that it was saved from; empty where it does not say."""
        return str(next(iter(self.config.get("architectures") or ()), ""))
