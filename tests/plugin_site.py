"""A folder of plugins made for one test, the only ones this process and its children see, and the text of plugins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands import zoo  # noqa: F401  (what installs plugins types commands, too)
from tests.plugin_factory import use_site, write_plugin
from zoo.card import VERBS
from zoo.plugins import PluginFailure, load_plugins

_FIELDS = {
    "name": "'model'",
    "task": "'text-classification'",
    "family": "'toy'",
    "summary": "'a toy'",
    "abilities": "{'predict': zoo.Ability(task='text-classification')}",
}


def card(name: str = "model", **fields: str) -> str:
    """The text of a Card; fields are given as the text of expressions."""
    texts = {**_FIELDS, "name": repr(name), **fields}
    return f"zoo.Card({', '.join(f'{field}={text}' for field, text in texts.items())})"


def plugin(*cards: str, more: str = "") -> str:
    """The text of a plugin that gives these cards; where `more` has no hook for what they promise, one is idle."""
    verbs = [verb for verb in VERBS if f"def {verb}(" not in more and any(f"'{verb}'" in card for card in cards)]
    idle = "".join(f"@zoo.hookimpl\ndef {verb}(run): ...\n" for verb in verbs)
    return f"import zoo\n{more}\n{idle}@zoo.hookimpl\ndef cards():\n    return [{', '.join(cards)}]\n"


class Site:
    """Installed plugins."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._monkeypatch = monkeypatch
        self._names: set[str] = set()
        use_site(path, monkeypatch)
        self._tell()

    def install(self, name: str, source: str, **distribution: Any) -> None:
        """Install one more."""
        write_plugin(self.path, name, source, **distribution)
        self._names.add(name)
        self._tell()
        importlib.invalidate_caches()

    def forget(self) -> None:
        """Take the imported modules out of this process."""
        for path in self.path.glob("*.py"):
            sys.modules.pop(path.stem, None)

    def _tell(self) -> None:
        self._monkeypatch.setenv("ZOO_PLUGINS", ",".join(self._names))


@contextmanager
def new_site(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site, forgotten at the end."""
    site = Site(path, monkeypatch)
    yield site
    site.forget()


def only_failure(site: Site, source: str) -> PluginFailure:
    """What becomes of a plugin called bad, beside one that must go on working."""
    site.install("good", plugin(card("fine")))
    site.install("bad", source)
    plugins, failures = load_plugins()
    assert [(p.name, [c.name for c in p.cards]) for p in plugins] == [("good", ["fine"])]
    assert [failure.name for failure in failures] == ["bad"]
    return failures[0]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """No plugins, until the test installs some."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site
