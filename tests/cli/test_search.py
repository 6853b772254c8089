"""`zoo search`, as typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import HubServer, hub_server
from tests.plugin_site import card, new_site, plugin
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

HITS = [
    {"id": "a/b", "pipeline_tag": "fill-mask", "downloads": 51_000, "likes": 12, "tags": ["license:mit"]},
    {"id": "evil/\x1b[31mred", "tags": []},
    {"id": "c/code", "tags": ["custom_code"]},
]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        server.serve("/api/models", json.dumps(HITS).encode())
        yield server


def test_answers_are_a_table_without_models_that_need_code(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "tiny", "bert", "--task", "fill-mask", "--limit", "3"]) == ExitCode.OK

    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["NAME", "TASK", "DOWNLOADS", "LIKES", "LISTED", "HERE", "AS", "LICENCE"],
        ["a/b", "fill-mask", "51.0k", "12", "mit"],
        ["evil/red", "0", "0"],
    ]
    assert "1 left out: they need code of their own, which zoo never runs" in err
    assert "search=tiny+bert&pipeline_tag=fill-mask&" in hub.requests[0].path


def test_json_is_one_document(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "tiny", "--json"]) == ExitCode.OK
    assert [(hit["id"], hit["listed_as"]) for hit in json.loads(capsys.readouterr().out)] == [
        ("a/b", None),
        ("evil/\x1b[31mred", None),
    ]


def test_models_that_are_listed_here_are_marked_and_recommended_ones_come_first(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.serve("/api/models", json.dumps([{"id": "x/first"}, {"id": "a/b"}, {"id": "A/best"}]).encode())

    def weights(repository: str) -> str:
        return f"zoo.Weights(files=(), sources=(zoo.HubSource(repository={repository!r}, revision='1' * 40),))"

    with new_site(tmp_path / "site", monkeypatch) as site:
        best = card("best", weights=weights("a/best"), recommended_for="('text-classification',)")
        site.install("red", plugin(card("other", weights=weights("a/b")), best))
        assert main(["search", "tiny"]) == ExitCode.OK
        first = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
        assert main(["search", "tiny", "--task", "fill-mask"]) == ExitCode.OK
        for_masks = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]

    assert first == [
        ["A/best", "0", "0", "best,", "recommended"],
        ["x/first", "0", "0"],
        ["a/b", "0", "0", "other,", "pretrained"],
    ]
    assert for_masks == [
        ["x/first", "0", "0"],
        ["a/b", "0", "0", "other,", "pretrained"],
        ["A/best", "0", "0", "best,", "pretrained"],
    ]


def test_nothing_found_is_said_on_stderr(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub.serve("/api/models", b"[]")

    assert main(["search", "zebra"]) == ExitCode.OK
    assert capsys.readouterr() == ("", "the Hub has no such model with safetensors\n")


def test_offline_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "tiny"]) == ExitCode.DOWNLOAD
    assert capsys.readouterr().err.splitlines() == [
        "error: the Hub cannot be searched: HF_HUB_OFFLINE forbids to ask the Hub",
        "hint: unset HF_HUB_OFFLINE",
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "nothing says what to look for"),
        (["x", "--limit", "0"], "--limit is '0', but takes a whole number from 1 to 100"),
        (["x", "--task", "nonsense"], "there is no task 'nonsense'"),
    ],
)
def test_what_cannot_be_meant_is_refused(capsys: pytest.CaptureFixture[str], words: list[str], error: str) -> None:
    assert main(["search", *words]) == ExitCode.USAGE
    assert error in capsys.readouterr().err
