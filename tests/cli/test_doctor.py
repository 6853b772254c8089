"""`zoo doctor`: a line for each finding, and an exit code that scripts can rely on."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, plugin
from zoo import doctor
from zoo.cli import doctor as command
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.doctor import Check, Finding


@pytest.fixture(autouse=True)
def machine(accelerators: None, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One on which nothing needs to be measured, with one plugin."""
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=":")
    site.install("toy", plugin(card()))


def only(*sections: str) -> tuple[Check, ...]:
    """Some of the checks, which are all made by other tests."""
    return tuple(check for check in doctor.CHECKS if check.section in sections)


def test_a_sound_machine_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == ExitCode.OK

    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [check.section for check in doctor.CHECKS] == [line for line in lines if line and line[0] != " "]
    assert any(line.startswith("  ok       plugins: 1 plugin with 1 model: toy") for line in lines)
    assert err.startswith("0 faults, ")


def test_a_fault_is_shown_with_what_mends_it_and_is_told_to_scripts(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("bad", "raise RuntimeError('no such luck')")
    monkeypatch.setattr(command, "CHECKS", only("plugins"))

    assert main(["doctor"]) == ExitCode.FAILED
    lines = capsys.readouterr().out.splitlines()
    index = lines.index("  fault    plugin bad: zoo-bad 1.0: RuntimeError: no such luck")
    assert lines[index + 1].startswith("           mend: update or uninstall zoo-bad")

    assert main(["doctor", "--json"]) == ExitCode.FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert ["plugin bad"] == [one["about"] for one in document["findings"] if one["mark"] == "fault"]


def test_what_several_checks_come_upon_is_told_once(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "CHECKS", only("plugins", "store", "weights"))
    (store / "plugins.json").write_text("[]")

    assert main(["doctor", "--json"]) == ExitCode.FAILED
    faults = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["mark"] == "fault"]
    assert 1 == len(faults)
    assert faults[0]["mend"].startswith("delete it;")


def test_a_check_that_fails_is_a_fault_and_the_next_one_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[Finding]:
        yield doctor.ok("before", "well")
        raise ValueError("\x1b[31mnever thought of")

    monkeypatch.setattr(command, "CHECKS", (Check("odd", broken), Check("even", lambda: [doctor.ok("after", "well")])))

    assert main(["doctor"]) == ExitCode.FAILED
    assert [
        "odd",
        "  ok       before: well",
        "  fault    odd: this could not be looked at: ValueError: never thought of",
        "           mend: please report it",
        "",
        "even",
        "  ok       after: well",
    ] == capsys.readouterr().out.splitlines()


def test_the_network_is_asked_on_demand_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(command, "CHECKS", ())
    monkeypatch.setattr(command, "NETWORK", Check("network", lambda: asked.append(1) or [doctor.ok("net", "there")]))

    assert main(["doctor"]) == ExitCode.OK
    assert asked == []
    assert main(["doctor", "--network"]) == ExitCode.OK
    assert asked == [1]
    assert "  ok       net: there\n" in capsys.readouterr().out
