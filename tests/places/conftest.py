"""A place of a kind that another distribution brings, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin_factory import use_site, write_plugin
from zoo.runs import placement

TENT = '''
from pathlib import Path
from typing import Annotated
from zoo.errors import RunFailed
from zoo.options import option
from zoo.places.here import Here
from zoo.places.kinds import PlaceKind
from zoo.places.place import JobState, PlaceSettings

class TentSettings(PlaceSettings, frozen=True, kw_only=True):
    camp: Annotated[str, option("Where its jobs are noted down.")] = ""
    full: Annotated[bool, option("Whether it takes none.")] = False
    closed: Annotated[bool, option("Whether its jobs wait for their turn.")] = False

class Tent(Here):
    """This machine, but for those that wait."""

    def submit(self, job):
        if self.settings.full:
            raise RunFailed("the tent is full", "come again")
        return "4" if self.settings.closed else super().submit(job)

    def state(self, id):
        camp = Path(self.settings.camp)
        if self.settings.closed and not (camp / "cancelled").exists():
            return JobState(phase="waiting", word="PENDING", reason="it rains")
        if self.settings.closed:
            return JobState(phase="ended", interrupted=True, word="STORM", reason="it blew")
        return super().state(id)

    def cancel(self, id):
        (Path(self.settings.camp) / "cancelled").touch()

KIND = PlaceKind("tent", TentSettings, Tent, "a tent")
'''


@pytest.fixture
def declare(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write `places.toml`, where a kind called tent is installed."""
    site = tmp_path / "tent-site"
    write_plugin(site, "tent", TENT, distribution="zoo-tent", group="zoo.places")
    use_site(site, monkeypatch)
    monkeypatch.setattr(placement, "_states", {})  # all its jobs are called the same

    def write(text: str) -> Path:
        path = store / "places.toml"
        path.write_text(text.replace("CAMP", str(tmp_path)))
        return path

    return write


@pytest.fixture
def yurt(declare: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """The same, and another kind that jobs are handed over to from within."""
    module = TENT.replace('"tent"', '"yurt"').replace('"a tent")', '"a yurt", reached_from_within=True)')
    write_plugin(tmp_path / "tent-site", "yurt", module, distribution="zoo-yurt", group="zoo.places")
    return declare
