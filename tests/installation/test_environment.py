"""An environment that must not or cannot be changed is told from one that may."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.errors import Unsupported
from zoo.installation.environment import Environment
from zoo.uv_or_pip import normalised


def an_environment(folder: Path, packages: Path | None = None, *, virtual: bool = False) -> Environment:
    return Environment(python="python", folders=(packages or folder,), stdlib=folder, virtual=virtual)


def test_an_environment_that_the_system_manages_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()

    with pytest.raises(Unsupported, match="is managed by the operating system") as caught:
        an_environment(tmp_path).check_changeable()
    assert "uv tool install zoo-models" in caught.value.hint


def test_a_virtual_one_on_top_of_it_may_be_changed(tmp_path: Path) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()

    an_environment(tmp_path, virtual=True).check_changeable()

    assert [path.name for path in tmp_path.iterdir()] == ["EXTERNALLY-MANAGED"]


@pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="no folder that nobody can write to")
def test_a_read_only_one_is_told_before_anything_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="/proc/self/fdinfo cannot be written to") as caught:
        an_environment(tmp_path, Path("/proc/self/fdinfo")).check_changeable()
    assert "virtual environment of its own" in caught.value.hint


@pytest.mark.parametrize("name", ["Zoo_Toy", "zoo.toy", "ZOO--toy"])
def test_one_distribution_has_one_name(name: str) -> None:
    assert normalised(name) == "zoo-toy"


def test_this_environment_holds_zoo_and_its_plugins() -> None:
    contents = Environment.running().contents()

    assert contents["zoo-models"].plugins == ()
    assert contents["zoo-bert"].plugins == ("bert",)
    assert "zoo-models" in contents["zoo-bert"].needs
