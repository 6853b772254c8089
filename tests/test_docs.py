"""The pages tell what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from zoo.cli.commands import COMMANDS
from zoo.cli.exit_codes import ExitCode
from zoo.runs.event import Event
from zoo.runs.events import AnyEvent

ROOT = Path(__file__).parent.parent
EVENTS = get_args(AnyEvent)
SHARED = set(Event.__struct_fields__)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_is_described_with_its_fields(event: type[Event]) -> None:
    tag = msgspec.inspect.type_info(event).tag  # type: ignore[union-attr]
    page = (ROOT / "docs" / "reference" / "store.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{tag}` |")]

    described = set(re.findall(r"`(\w+)`", row)) - {tag}
    assert described == set(event.__struct_fields__) - SHARED


def test_no_event_is_described_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "reference" / "store.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `([a-z_]+)` \|", page.partition("## Events")[2], flags=re.MULTILINE)

    assert [msgspec.inspect.type_info(event).tag for event in EVENTS] == described  # type: ignore[union-attr]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_guide(command: str) -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "how-to").glob("*.md")]

    assert any(re.search(rf"\bzoo {command}\b", page) for page in pages) or command == "quickstart"


def test_reference_pages_say_what_the_code_does() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_contributors_find_every_room_and_no_room_that_is_gone() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## Where things are")[2].partition("## ")[0]
    listed = set(re.findall(r"`((?:zoo|plugins)/[\w/.-]+)`", section))
    packages = {f"zoo/{path.parent.name}/" for path in (ROOT / "zoo").glob("*/__init__.py")}
    modules = {f"zoo/{path.name}" for path in (ROOT / "zoo").glob("*.py") if not path.name.startswith("__")}

    assert [] == sorted(room for room in packages | modules if not any(path.startswith(room) for path in listed))
    assert [] == sorted(path for path in listed if not (ROOT / path).exists())


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} leads to {target}, which is not there"


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md") if "examples" not in path.parts}

    assert set(re.findall(r'"([\w/-]+\.md)"', site)) == pages


def test_every_exit_code_is_in_the_guide() -> None:
    page = " ".join((ROOT / "docs" / "how-to" / "command-line.md").read_text(encoding="utf-8").split())
    match = re.search(r"Exit codes: (.*?)\. ", page + " ")
    assert match is not None

    assert {int(number) for number in re.findall(r"\b(\d+) ", match[1])} == {int(code) for code in ExitCode}
