"""Plugins that fail, are left out, or were lost."""

from __future__ import annotations

import pytest

from tests.doctor.findings import bad, found, marks
from tests.plugin_site import Site, card, plugin
from zoo import plugin_list
from zoo.plugin_list import RequirementState


@pytest.fixture(autouse=True)
def all_of_the_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One plugin that works."""
    site.install("toy", plugin(card("first"), card("second")))


def test_those_that_work_are_named_and_counted() -> None:
    (well,) = [one for one in found("plugins") if one.mark == "ok"]
    assert well.evidence == "1 plugin with 2 models: toy"


def test_one_that_cannot_be_imported_is_a_fault_and_the_others_are_looked_at(site: Site) -> None:
    site.install("bad", "raise RuntimeError('no such luck')")

    assert {"plugin bad": "fault", "plugins": "ok"}.items() <= marks("plugins").items()
    failed = next(one for one in bad("plugins") if one.about == "plugin bad")
    assert failed.evidence == "zoo-bad 1.0: RuntimeError: no such luck"
    assert failed.mend.startswith("update or uninstall zoo-bad")
    assert failed.mend.endswith("or: zoo plugins disable bad")


def test_one_that_is_disabled_is_no_fault(site: Site) -> None:
    site.install("bad", "raise RuntimeError('no such luck')")
    plugin_list.disable("bad")

    (disabled,) = [one for one in found("plugins") if one.about == "plugin bad"]
    assert (disabled.mark, disabled.mend) == ("ok", "zoo plugins enable bad")


def test_what_zoo_installed_and_is_gone_can_be_restored() -> None:
    plugin_list.remember((RequirementState(distribution="zoo-gone", requirement="zoo-gone==1.2"),))

    lost = next(one for one in bad("plugins") if one.about == "zoo-gone")
    assert lost.evidence == "zoo installed zoo-gone==1.2, and it is not there any more"
    assert (lost.mark, lost.mend) == ("warning", "zoo plugins restore")


def test_the_variable_that_leaves_plugins_out_is_told() -> None:
    assert marks("plugins")["ZOO_PLUGINS"] == "warning"
