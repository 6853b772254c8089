"""Inputs of several parts: every way in which a person or a program gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.own_task import install_pairing
from tests.plugin_site import Site, new_site
from tests.plugin_site import zoo as command
from zoo.cli.exit_codes import ExitCode
from zoo.tasks import get_task

PAIR = {"first": "late parcel", "second": "parcel late today"}
FLAGS = ("--json", "--device", "cpu", "--precision", "fp32")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_pairing(site)
        yield site
    get_task.cache_clear()


@pytest.mark.slow
def test_they_are_typed_as_words_lines_and_objects(site: Site) -> None:
    text = json.dumps(PAIR)
    for done in (
        command("predict", "sharing", *PAIR.values(), *FLAGS),
        command("predict", "sharing", text, *FLAGS),
        command("predict", "sharing", *FLAGS, stdin=f"{text}\n"),
        command("predict", "sharing", *FLAGS, stdin="\t".join(PAIR.values()) + "\n"),
    ):
        assert done.returncode == ExitCode.OK, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["input"], answer["prediction"]["shared"]) == (PAIR, "late parcel")


def test_they_are_dicts_and_tuples_in_python(site: Site) -> None:
    model = zoo.load("sharing", device="cpu", precision="fp32")
    for one in (PAIR, tuple(PAIR.values())):
        assert model.predict(one).shared == "late parcel"  # type: ignore[union-attr]
    several = model.predict([PAIR, tuple(PAIR.values()), list(PAIR.values())])
    assert [answer.shared for answer in several] == ["late parcel"] * 3  # type: ignore[union-attr]


@pytest.mark.slow
def test_the_card_says_what_goes_in(site: Site) -> None:
    assert "takes        text pairs\n" in command("show", "sharing").stdout
