"""The pages tell what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from zoo.cli.commands import COMMANDS
from zoo.cli.exit_codes import ExitCode
from zoo.runs.events import AnyEvent, Event

ROOT = Path(__file__).parent.parent
EVENTS = get_args(AnyEvent)
SHARED = set(Event.__struct_fields__)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_is_described_with_its_fields(event: type[Event]) -> None:
    tag = msgspec.inspect.type_info(event).tag  # type: ignore[union-attr]
    page = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{tag}` |")]

    described = set(re.findall(r"`(\w+)`", row)) - {tag}
    assert described == set(event.__struct_fields__) - SHARED


def test_no_event_is_described_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `([a-z_]+)` \|", page.partition("## Events")[2], flags=re.MULTILINE)

    assert [msgspec.inspect.type_info(event).tag for event in EVENTS] == described  # type: ignore[union-attr]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_guide(command: str) -> None:
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/guide.md")]

    assert any(re.search(rf"\bzoo {command}\b", page) for page in pages)


def test_every_exit_code_is_in_the_guide() -> None:
    page = " ".join((ROOT / "docs" / "guide.md").read_text(encoding="utf-8").split())
    told = re.search(r"Exit codes: (.*?)\. ", page + " ")
    assert told is not None

    assert {int(number) for number in re.findall(r"\b(\d+) ", told[1])} == {int(code) for code in ExitCode}
