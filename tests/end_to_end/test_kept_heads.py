"""Going on with a result of several heads: those that are not learnt answer as before, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.end_to_end.test_tokens import COMMON, tagged, written
from zoo.cli import main
from zoo.runs.events import DataLoaded
from zoo.runs.store import training_of
from zoo.testing.interruption import digests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"batch_size": 16, "max_steps": 3, "max_tokens": 16, "lr": 3e-3, **CPU}
TEXT = "saw near the old town Ada"


def labelled(words: list[str]) -> dict[str, Any]:
    return {"text": " ".join(words), "label": "odd" if len(words) % 2 else "even"}


def urgent(words: list[str]) -> dict[str, Any]:
    return {"sentence": " ".join(words), "haste": ("now", "later", "never")[len(words) % 3]}


def answers(name: str) -> dict[str, Any]:
    """What each head of a result says, by its name."""
    heads = [card.name for card in zoo.models() if card.name.startswith(f"{name}.")]
    return {head.rpartition(".")[2]: zoo.load(head, **CPU).predict([TEXT, *COMMON]) for head in heads}


def test_heads_are_added_and_learnt_further_beside_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zoo_bert")
    parity, names = written(tmp_path / "a.jsonl", labelled), written(tmp_path / "b.jsonl", tagged)
    haste = written(tmp_path / "c.jsonl", urgent)
    zoo.finetune("bert-tiny", sources={"parity": parity, "names": names}, name="joint", **OPTIONS).wait(progress=False)
    before = answers("joint")
    for words, message in (
        (["--source", f"a.b={parity}"], "'a.b' cannot be the name of a source"),
        (["--data", str(parity), "--task", "text-regression"], "the new head has no name"),
    ):
        assert main(["finetune", "joint", *words, "--method", "head", "--device", "cpu"]) != 0
        assert message in capsys.readouterr().err

    words = ["--source", f"haste={haste}", "--column", "haste.label=haste", "--method", "head", "--name", "three"]
    assert main(["finetune", "joint", *words, "--device", "cpu", "--max-steps", "3"]) == 0
    assert "next:  zoo predict three.haste" in capsys.readouterr().err
    after = answers("three")
    assert {name: after[name] for name in before} == before
    assert {score.label for score in after["haste"][0].scores} == {"now", "later", "never"}
    heads = zoo.open_run("three").folder.model_folder / "heads"
    bodies = {path / "body.safetensors" for path in heads.iterdir()}
    assert len(bodies) == 3
    old = zoo.open_run("joint").folder.model_folder / "heads" / "names" / "body.safetensors"
    assert all(path.samefile(old) for path in bodies)

    again = zoo.finetune("three", parity, name="more", method="head", **OPTIONS).wait(progress=False)
    assert "three.parity is the head for these data: they hold labels" in "\n".join(again.snapshot.notes)
    assert not [note for note in again.snapshot.notes if "the head is new" in note]
    further = answers("more")
    assert {name: further[name] for name in ("names", "haste")} == {name: after[name] for name in ("names", "haste")}
    assert further["parity"] != after["parity"]
    assert sorted(again.models) == ["haste", "names", "parity"]

    for name in ("three", "more"):
        run = zoo.open_run(name)
        twin = zoo.run_recipe(run.folder.path / "recipe.toml", name=f"{name}-again").wait(progress=False)
        assert twin.folder.request.kept == run.folder.request.kept
        assert digests(twin.folder.model_folder / "heads") == digests(run.folder.model_folder / "heads")
    zoo.open_run("three").remove()
    zoo.open_run("joint").remove()
    assert answers("more") == further
    training = training_of(next(card for card in zoo.models() if card.name == "more.haste"))
    assert training is not None
    assert (training.data.path, training.data.columns) == (str(haste), {"label": "haste"})
    judged = zoo.evaluate("more", haste, **CPU).wait(progress=False)
    assert judged.folder.request.model == "bert/more.haste"
    assert any("trained on" in warning for warning in judged.snapshot.warnings)

    whole = zoo.finetune("more", names, name="whole", **OPTIONS).wait(progress=False)
    (said,) = [note for note in whole.snapshot.notes if "the body learns on" in note]
    assert "so the result is without more.parity, more.haste" in said or "without more.haste, more.parity" in said
    assert [card.name for card in zoo.models() if card.name.startswith("whole")] == ["whole"]


def test_several_heads_are_added_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zoo_bert")
    parity, names = written(tmp_path / "a.jsonl", labelled), written(tmp_path / "b.jsonl", tagged)
    haste = written(tmp_path / "c.jsonl", urgent)
    zoo.finetune("bert-tiny", sources={"parity": parity, "names": names}, name="joint", **OPTIONS).wait(progress=False)
    before = answers("joint")
    words = ["finetune", "joint", "--source", f"haste={haste}", "--column", "haste.label=haste", "--method", "head"]
    assert main([*words, "--source", f"parity={parity}", "--device", "cpu"]) != 0
    assert "parity is a head of joint already, and several at once are new ones" in capsys.readouterr().err

    both = ["--source", f"people={names}", "--name", "four", "--device", "cpu", "--max-steps", "4"]
    assert main([*words, *both]) == 0
    said = capsys.readouterr().err
    assert "the result is without" not in said
    assert "next:  zoo predict four.people" in said
    after = answers("four")
    assert {name: after[name] for name in before} == before
    assert {score.label for score in after["haste"][0].scores} == {"now", "later", "never"}
    folder = zoo.open_run("four").folder.model_folder
    old = zoo.open_run("joint").folder.model_folder / "heads" / "names" / "body.safetensors"
    assert [path.name for path in (folder / "heads").iterdir() if not (path / "body.safetensors").samefile(old)] == []
    text = (folder / "README.md").read_text()
    assert "Learnt with zoo on the body of joint.parity, which stayed as it was: haste, people." in text

    twin = zoo.run_recipe(zoo.open_run("four").folder.path / "recipe.toml", name="again").wait(progress=False)
    assert digests(twin.folder.model_folder / "heads") == digests(folder / "heads")
    zoo.open_run("joint").remove()
    assert answers("four") == after


def test_a_new_head_takes_no_columns_from_the_one_whose_body_it_begins_from(tmp_path: Path) -> None:
    pytest.importorskip("zoo_bert")

    def moody(words: list[str]) -> dict[str, Any]:
        return {"text": " ".join(words), "mood": "glad" if len(words) % 2 else "sad"}

    def both(words: list[str]) -> dict[str, Any]:
        return {**moody(words), "label": ("now", "later", "never")[len(words) % 3]}

    mood, later = written(tmp_path / "a.jsonl", moody), written(tmp_path / "b.jsonl", both)
    names = written(tmp_path / "c.jsonl", tagged)
    of_mood = zoo.Source(data=mood, columns={"label": "mood"})
    zoo.finetune("bert-tiny", sources={"mood": of_mood, "names": names}, name="joint", **OPTIONS).wait(progress=False)
    for sources in ({"haste": later}, {"haste": later, "people": names}):
        run = zoo.finetune("joint", sources=sources, **OPTIONS).wait(progress=False)
        loaded = [event for event in run.events() if isinstance(event, DataLoaded)]
        assert loaded[0].labels == ("later", "never", "now")
