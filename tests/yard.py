"""A kind of place that another distribution brings: processes of this machine, which all begin at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin_factory import use_site, write_plugin

YARD = """
from zoo.places.here import Here
from zoo.places.kinds import PlaceKind
from zoo.places.place import PlaceSettings

class YardSettings(PlaceSettings, frozen=True, kw_only=True):
    pass

KIND = PlaceKind("yard", YardSettings, Here, "processes of this machine")
"""


def declare_yard(store: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the kind, which says that it has a queue, and declare a place of it by that name."""
    write_plugin(site, "yard", YARD, distribution="zoo-yard", group="zoo.places")
    use_site(site, monkeypatch)
    (store / "places.toml").write_text('[yard]\nkind = "yard"\n')
