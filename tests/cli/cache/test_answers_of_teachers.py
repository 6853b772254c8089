"""What teachers said is kept beside weights: shown, deleted by name and by age, and bounded."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.cache.cached import DAY_S, answer, listed, names
from zoo.answers import Classification, Rejected, Score
from zoo.runs import kept_answers
from zoo.runs.kept_answers import AnswersHeading, KeptAnswers, keep, lock_of, path_of
from zoo.tasks import get_task

TASK = get_task("text-classification")
ANSWERS = (Classification((Score("good", 0.75), Score("bad", 0.25))), Rejected("it is empty"))


def kept(digest: str, teacher: str = "bert/wise", days: float = 0.0) -> Path:
    path = path_of(digest)
    keep(path, AnswersHeading(teacher=teacher, task=TASK.name), ANSWERS)
    lock_of(path).touch()
    os.utime(path, (time.time() - days * DAY_S,) * 2)
    return path


def test_answers_are_read_as_they_were_written_and_reading_is_a_use() -> None:
    path = kept("a", days=3)
    answers = KeptAnswers(path, TASK)
    assert (len(answers), tuple(answers), answers[-1], answers[:1]) == (2, ANSWERS, ANSWERS[1], [ANSWERS[0]])
    assert time.time() - path.stat().st_mtime < DAY_S
    with pytest.raises(IndexError):
        answers[2]


def test_they_are_a_set_for_each_teacher(capsys: pytest.CaptureFixture[str]) -> None:
    files = [kept("a"), kept("b"), kept("c", "echo/other")]
    sets = {one["name"]: one for one in listed(capsys)}
    assert list(sets) == ["answers/bert/wise", "answers/echo/other"]
    assert [file["path"] for file in sets["answers/bert/wise"]["files"]] == [str(path) for path in files[:2]]

    assert answer(capsys, "verify") == "3 files hashed, 0 damaged, 3 with nothing to compare with\n"
    assert answer(capsys, "rm", "answers/bert/wise", "-y").startswith("deleted 2 files, freed ")
    assert sorted(path.name for path in files[0].parent.iterdir()) == ["c.jsonl", "c.jsonl.lock"]


def test_one_whose_heading_is_no_text_is_listed_too(capsys: pytest.CaptureFixture[str]) -> None:
    kept("a").write_bytes(b'{"teacher":"\xff","task":""}\n')
    kept("b")
    assert "answers/bert/wise" in names(capsys)


def test_those_of_no_use_for_long_are_pruned(capsys: pytest.CaptureFixture[str]) -> None:
    kept("a", days=31)
    kept("b", "echo/other", days=2)
    assert answer(capsys, "prune", "--older-than", "30d", "-y").startswith("deleted 1 file, freed ")
    assert names(capsys) == ["answers/echo/other"]


def test_the_oldest_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    size = kept("a", days=3).stat().st_size
    kept("b", days=1)
    kept("c", days=2)
    monkeypatch.setattr(kept_answers, "LIMIT_BYTES", 2 * size)
    new = kept("d")
    assert sorted(path.name for path in new.parent.glob("*.jsonl")) == ["b.jsonl", "d.jsonl"]
    assert not lock_of(path_of("a")).exists()
    monkeypatch.setattr(kept_answers, "LIMIT_BYTES", 1)
    assert kept("e").exists()


def test_a_file_that_says_nothing_is_shown_and_can_be_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    path = kept("a")
    path.write_bytes(b"{")
    assert names(capsys) == ["answers/?"]
    answer(capsys, "rm", "answers/?", "-y")
    assert not path.exists()
