"""SIGKILL within what takes its time: a resumed run ends with the bits of one that nobody disturbed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.end_to_end.test_tokens import COMMON, tagged, written
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, RunStarted
from zoo.testing.interruption import digests, kill

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"batch_size": 8, "max_steps": 8, "eval_steps": 2, "save_steps": 2, "max_tokens": 16, **CPU}
TRIES = 8
DEADLINE_S = 120.0
Moment = Callable[[zoo.Run], bool]
"""Whether a run, which may be dead, has begun something and not finished it."""


def within_a_checkpoint(run: zoo.Run) -> bool:
    folder = run.folder.checkpoints_folder
    return any(folder.glob("step-*")) and any(folder.glob(".partial-*"))


def within_an_evaluation(run: zoo.Run) -> bool:
    """Between the checkpoint of a step and what its evaluation says."""
    events = run.events()
    saved = [event.step for event in events if isinstance(event, CheckpointSaved)]
    judged = {event.step for event in events if isinstance(event, EvaluationCompleted)}
    return saved[1:] != [] and saved[-1] not in judged


def within_the_export(name: str) -> Moment:
    """Since the result has a file or folder of that name, and before the run has ended."""
    return lambda run: (run.folder.path / name).exists() and run.status != "finished"


def attempts(run: zoo.Run) -> int:
    return sum(isinstance(event, RunStarted) for event in run.events())


def wait_until(run: zoo.Run, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        assert run.status != "finished", "it went by unseen"
        time.sleep(0.001)


def go_on(run: zoo.Run) -> None:
    before = attempts(run)
    run.resume()
    wait_until(run, lambda: attempts(run) > before)


def kill_within(run: zoo.Run, moment: Moment) -> None:
    """Kill the worker of a run at a moment, and let it go on; it may have got further before the signal came."""
    for _ in range(TRIES):
        wait_until(run, lambda: attempts(run) > 0 and not moment(run))  # but what a killed attempt has left
        wait_until(run, lambda: moment(run))
        kill(run)
        is_within = moment(run)
        assert run.status == "crashed"
        go_on(run)
        if is_within:
            return
    pytest.fail(f"{TRIES} kills came too late")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    texts = folder / "c.txt"
    texts.write_text("".join(f"{' '.join(COMMON[i % 9 :])} {i}\n" for i in range(60)))
    parity = written(
        folder / "a.jsonl", lambda words: {"text": " ".join(words), "label": "odd" if len(words) % 2 else "even"}
    )
    return {"parity": parity, "names": written(folder / "b.jsonl", tagged), "texts": texts}


def joint(data: dict[str, Path], name: str) -> zoo.Run:
    """Judged on all its rows, many times over, so that an evaluation takes a while."""
    sources = {source: zoo.Source(data=path, eval_data=_often(path)) for source, path in data.items()}
    return zoo.finetune("bert-tiny", sources=sources, name=name, keep_best_of="parity", lr=3e-3, **OPTIONS)


def _often(path: Path) -> Path:
    longer = path.with_name(f"often-{path.name}")
    longer.write_text(path.read_text() * 20)
    return longer


def added(data: dict[str, Path], name: str) -> zoo.Run:
    """Two heads more on the body of the first run."""
    sources = {"oddness": data["parity"], "people": data["names"]}
    return zoo.finetune("whole", sources=sources, name=name, method="head", **OPTIONS)


@pytest.fixture(scope="module")
def whole(data: dict[str, Path], shared_store: Path) -> zoo.Run:
    return joint(data, "whole").wait(progress=False)


MOMENTS = {
    "training": [within_a_checkpoint, within_an_evaluation],
    "export": [within_the_export(f"model/{name}") for name in ("heads/parity", "heads/texts", "README.md")],
}


@pytest.mark.parametrize("part", MOMENTS)
def test_several_sources(data: dict[str, Path], whole: zoo.Run, part: str) -> None:
    run = joint(data, f"killed-{part}")
    for moment in MOMENTS[part]:
        kill_within(run, moment)
    run.wait(progress=False)

    assert attempts(run) > len(MOMENTS[part])
    assert run.metrics == whole.metrics
    assert digests(run.folder.model_folder) == digests(whole.folder.model_folder)
    assert list(run.models) == list(whole.models)


def test_heads_that_are_added(data: dict[str, Path], whole: zoo.Run) -> None:
    expected = added(data, "added").wait(progress=False)
    run = added(data, "killed-added")
    for moment in (within_a_checkpoint, within_the_export("model/heads/people"), within_the_export("exported")):
        kill_within(run, moment)
    run.wait(progress=False)

    assert run.metrics == expected.metrics
    assert digests(run.folder.model_folder) == digests(expected.folder.model_folder)
    heads, before = (digests(one.folder.model_folder / "heads") for one in (run, whole))
    assert before.items() <= heads.items()
    assert not (run.folder.path / "exported").exists()
    bodies = {path.stat().st_ino for path in (run.folder.model_folder / "heads").glob("*/body.safetensors")}
    assert len(bodies) == 1


def test_a_head_that_is_learnt_further(data: dict[str, Path], whole: zoo.Run) -> None:
    def further(name: str) -> zoo.Run:
        return zoo.finetune("whole", sources={"names": data["names"]}, name=name, method="head", **OPTIONS)

    expected = further("further").wait(progress=False)
    run = further("killed-further")
    for moment in (within_the_export("model"), within_the_export("exported"), within_the_export("model/heads/parity")):
        kill_within(run, moment)
    run.wait(progress=False)

    assert digests(run.folder.model_folder) == digests(expected.folder.model_folder)
