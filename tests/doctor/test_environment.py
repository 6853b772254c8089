"""The Python, the command and the variables that zoo runs with."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

import zoo
from tests.doctor.findings import bad, found


@pytest.fixture(autouse=True)
def own_command_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=":")


def test_versions_and_places_are_shown_where_all_is_well() -> None:
    findings = {one.about: one for one in found("environment")}

    assert {one.mark for one in findings.values()} == {"ok"}
    assert zoo.__version__ in findings["zoo"].evidence
    assert str(Path(sysconfig.get_path("scripts"), "zoo")) == findings["zoo in PATH"].evidence


def test_a_zoo_of_another_python_is_told_with_the_line_that_puts_this_one_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "zoo"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    (command,) = [one for one in bad("environment") if one.about == "zoo in PATH"]
    assert command.mark == "warning"
    assert str(other) in command.evidence
    assert command.mend == f'export PATH="{sysconfig.get_path("scripts")}:$PATH"'


def test_a_variable_that_is_misspelt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOEM", "/somewhere")
    monkeypatch.setenv("ZOOM_LEVEL", "3")

    (variable,) = bad("environment")
    assert (variable.mark, variable.about) == ("warning", "ZOO_HOEM")
    assert variable.evidence == "zoo does not look at ZOO_HOEM; ZOO_HOME resembles it"
