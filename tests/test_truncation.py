"""Inputs that are longer than the model reads: answered, and their share told once, however they were asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests import trainable_plugin
from tests.plugin_site import new_site
from tests.plugin_site import zoo as command
from zoo.answers import Classification, Prediction, Rejected, Score, TruncationCount

FIRST_THREE = (
    "[answer(text) if len(text.split()) <= 3 else zoo.Classification(answer(text).scores, truncated_at=3)"
    " for text in inputs]"
)
HERE = {"device": "cpu", "precision": "fp32"}
LONG = "good fine 3 but then it broke"


@pytest.fixture
def model(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A classifier that reads three words."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("toy", trainable_plugin.source(answers=FIRST_THREE))
        yield zoo.finetune("toy", rows, name="words", **HERE).wait(progress=False).name


def message(share: str, verb: str = "are") -> str:
    return f"{share} {verb} longer than the 3 tokens that the model reads, and {verb} cut there"


@pytest.mark.slow
def test_every_way_of_asking_tells_the_share_once(model: str, tmp_path: Path) -> None:
    words = ["predict", model, "--json", "--device", "cpu", LONG, "bad", " "]
    done = command(*words)
    answers = [json.loads(line)["prediction"] for line in done.stdout.splitlines()]
    assert [3, None, None] == [answer.get("truncated_at") for answer in answers]
    assert 1 == done.stderr.splitlines().count(f"warning: {message('1 of 2 inputs (50.0%)', 'is')}")
    assert "cut there" not in command("predict", model, "--device", "cpu", "good fine").stderr

    data = tmp_path / "held-out.csv"
    data.write_text(f"text,label\n{LONG},positive\n{LONG} too,positive\nbad,negative\n")
    share = message("2 of 3 inputs (66.7%)")
    assert (share,) == zoo.evaluate(model, data, **HERE).wait(progress=False).snapshot.warnings
    out = tmp_path / "answers.jsonl"
    assert (share,) == zoo.predict_file(model, data, out, **HERE).wait(progress=False).snapshot.warnings
    written = [json.loads(line)["prediction"] for line in out.read_text().splitlines()]
    assert [3, 3, None] == [answer.get("truncated_at") for answer in written]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets in Python")
def test_a_warm_model_tells_it_of_each_time_it_is_asked(
    model: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
    words = ["predict", model, "--device", "cpu", "--keep-warm"]
    warnings = [
        command(*words, "5", LONG).stderr,
        command(*words, "5", "bad", LONG).stderr,
        command(*words, "0", "bad").stderr,
    ]

    assert message("1 of 1 input (100.0%)", "is") in warnings[0]
    assert message("1 of 2 inputs (50.0%)", "is") in warnings[1]
    assert "cut there" not in warnings[2]


def test_the_count_leaves_out_what_was_not_answered() -> None:
    whole, cut = Classification((Score("a", 1.0),)), Classification((Score("a", 1.0),), truncated_at=2000)
    answers: list[Prediction] = [whole, cut, cut, Rejected("empty")]
    count = TruncationCount()
    count.add(answers)

    assert "2 of 3 inputs (66.7%) are longer than the 2,000 tokens that the model reads, and are cut there" == (
        count.message
    )
    assert "" == TruncationCount().message
