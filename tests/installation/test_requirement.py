"""A name, a path or an address, and nothing that an installer would take for an option."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.errors import OptionInvalid
from zoo.installation.requirement import is_source, package_name, parse_requirement
from zoo.uv_or_pip import without_password


@pytest.mark.parametrize(
    "text",
    [
        "zoo-toy",
        "zoo-toy==1.0",
        "zoo-toy[extra] >= 1, < 2",
        "zoo-toy @ https://example.org/toy.whl",
        "git+https://example.org/toy",
        "https://example.org/zoo_toy-1.0-py3-none-any.whl",
    ],
)
def test_names_and_addresses_stay_as_they_are(text: str) -> None:
    assert parse_requirement(f" {text}") == text


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "pyproject.toml").touch()
    (tmp_path / "a.whl").touch()
    monkeypatch.chdir(tmp_path)

    assert parse_requirement("./toy") == str(tmp_path / "toy")
    assert parse_requirement("a.whl") == str(tmp_path / "a.whl")
    assert parse_requirement("toy") == "toy"  # a package of that name, as for any installer


@pytest.mark.parametrize(
    "text", ["", "-e", "--index-url=https://example.org", "-r/etc/passwd", "a b", "a;b", "\x1b[2J", "a\n--pre"]
)
def test_what_is_none_of_them_is_refused(text: str) -> None:
    with pytest.raises(OptionInvalid):
        parse_requirement(text)


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("zoo-toy", False),
        ("zoo-toy==1", False),
        ("/there/zoo_toy.whl", False),
        ("https://example.org/toy.whl#sha256=0", False),
        ("zoo-toy @ https://example.org/toy.whl", False),
        ("/there/toy", True),
        ("/there/toy.tar.gz", True),
        ("git+https://example.org/toy", True),
        ("zoo-toy @ git+https://example.org/toy", True),
    ],
)
def test_source_is_told_from_what_is_built(requirement: str, expected: bool) -> None:
    assert is_source(requirement) == expected


def test_no_password_is_shown_or_written_down() -> None:
    assert without_password("a @ https://me:secret@example.org/a.whl") == "a @ https://example.org/a.whl"
    assert without_password("git+ssh://git@example.org/a") == "git+ssh://git@example.org/a"


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [("zoo_Toy[x]==1", "zoo_Toy"), ("toy @ https://example.org/a", "toy"), ("/there/toy", ""), ("https://x.org/a", "")],
)
def test_the_package_is_named_where_the_requirement_does(requirement: str, expected: str) -> None:
    assert package_name(requirement) == expected
