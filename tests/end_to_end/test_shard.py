"""A model divided among processes learns what one process would, and any number goes on with what two have written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import zoo
from tests.echo_runs import held_after, until, wait_quietly
from zoo.runs.events import EvaluationCompleted, RunStarted, StepCompleted

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

OPTIONS: dict[str, Any] = {
    "batch_size": 7,
    "micro_batch_size": 2,
    "max_steps": 6,
    "eval_steps": 3,
    "save_steps": 2,
    "max_tokens": 16,
    "dropout": 0.0,
    "lr": 3e-3,
    "device": "cpu",
    "precision": "fp32",
}
"""A batch that does not divide by two, in micro-batches of which the last is smaller."""
TWO: dict[str, Any] = {"processes": 2, "shard": True}
Start = Callable[..., zoo.Run]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> Start:
    words = ["a", "red", "blue", "green", "fox", "cow", "runs", "sleeps", "eats", "jumps", "well", "here"]
    texts = [" ".join(words[(i * k) % len(words)] for k in range(1, 3 + i % 5)) for i in range(40)]
    data = tmp_path_factory.mktemp("data") / "rows.csv"
    rows = [f"{text},{'odd' if i % 2 else 'even'}" for i, text in enumerate(texts)]
    data.write_text("\n".join(["text,label", *rows]) + "\n")

    def start(**arguments: Any) -> zoo.Run:
        if "sources" in arguments:
            arguments["sources"] = {"labelled": data, "texts": zoo.Source(data=data, task="fill-mask")}
            return zoo.finetune("bert-tiny", **OPTIONS, **arguments)
        return zoo.finetune("bert-tiny", data, **OPTIONS, **arguments)

    return start


@pytest.fixture(scope="module")
def alone(start: Start) -> zoo.Run:
    """A run of one process."""
    return start().wait(progress=False)


@pytest.fixture(scope="module")
def sharded(start: Start) -> zoo.Run:
    """The same of two that divide the model."""
    return start(**TWO).wait(progress=False)


@pytest.fixture(scope="module")
def killed(start: Start) -> zoo.Run:
    """One of two that was killed after its fourth step, within the checkpoint of the sixth."""
    with held_after(4) as held:
        run = start(**TWO)
        until(held.exists)
        run.stop(force=True)
    assert wait_quietly(run).status in ("crashed", "cancelled")
    return run


def test_two_processes_learn_what_one_does(alone: zoo.Run, sharded: zoo.Run) -> None:
    assert [event.processes for event in sharded.events() if isinstance(event, RunStarted)] == [2]
    assert_alike(sharded, alone)


def test_each_process_writes_its_part_of_a_checkpoint(alone: zoo.Run, killed: zoo.Run) -> None:
    whole = load_file(newest(alone) / "model.safetensors")
    parts = [load_file(newest(killed) / f"model-000{rank}-of-0002.safetensors") for rank in (1, 2)]
    moments = [load_file(newest(killed) / f"optimizer-000{rank}-of-0002.safetensors") for rank in (1, 2)]
    bytes_of = [sum(tensor.nbytes for tensor in part.values()) for part in parts]
    assert sum(bytes_of) == sum(tensor.nbytes for tensor in whole.values())
    assert max(bytes_of) < 0.52 * sum(bytes_of)
    assert {name: len(tensor) for name, tensor in whole.items()} == {
        name: sum(len(part[name]) for part in parts if name in part) for name in whole
    }
    assert all(
        len(part[f"{name}|exp_avg"]) == len(of_model[name])
        for part, of_model in zip(moments, parts, strict=True)
        for name in of_model
    )
    manifest = json.loads((newest(killed) / "manifest.json").read_text())
    first = next(name for name, tensor in whole.items() if tensor.ndim == 2)
    rows = len(whole[first])
    assert manifest["model-0002-of-0002.safetensors"]["slices"][first] == [-(-rows // 2), rows]


@pytest.mark.parametrize("processes", [2, 1, 3])
def test_any_number_of_processes_goes_on_with_what_two_wrote(killed: zoo.Run, sharded: zoo.Run, processes: int) -> None:
    folder = killed.folder.path.parent / f"with-{processes}"
    shutil.copytree(killed.folder.path, folder)
    run = zoo.open_run(folder.name).resume(processes=None if processes == 2 else processes).wait(progress=False)
    begun = [event for event in run.events() if isinstance(event, RunStarted)][-1]
    assert (processes, 4) == (begun.processes, begun.resumed_from_step)
    if processes == 2:
        assert result(sharded) == result(run)
    else:
        assert_alike(run, sharded)


def test_another_number_of_processes_is_refused_in_one_line(alone: zoo.Run, killed: zoo.Run) -> None:
    with pytest.raises(zoo.OptionInvalid, match="--processes is 0"):
        killed.resume(processes=0)
    with pytest.raises(zoo.Unsupported, match="has finished"):
        alone.resume(processes=2)


def test_adapters_of_several_sources_are_learnt_in_parts(start: Start) -> None:
    arguments: dict[str, Any] = {"sources": True, "method": "lora", "mixing": "together"}
    alone = start(**arguments).wait(progress=False)
    divided = start(**arguments, **TWO).wait(progress=False)
    assert_alike(divided, alone)


def newest(run: zoo.Run) -> Path:
    return max(run.folder.checkpoints_folder.glob("step-*"))


def result(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()


def assert_alike(run: zoo.Run, expected: zoo.Run) -> None:
    """The same up to rounding: the first step, evaluations, which are of all steps before, and the weights.

    Where a gradient is rounding alone, as that of the biases of keys, AdamW makes a hundredth of a step of it.
    """
    step, expected_step = (
        next(event for event in one.events() if isinstance(event, StepCompleted)) for one in (run, expected)
    )
    assert step.loss == pytest.approx(expected_step.loss, rel=1e-5)
    assert step.grad_norm == pytest.approx(expected_step.grad_norm, rel=1e-5)
    evaluations, expected_evaluations = (
        {(event.step, event.source): event.metrics for event in one.events() if isinstance(event, EvaluationCompleted)}
        for one in (run, expected)
    )
    assert evaluations.keys() == expected_evaluations.keys()
    for key, metrics in evaluations.items():
        assert metrics == pytest.approx(expected_evaluations[key], rel=1e-5)
    files, expected_files = (sorted(one.folder.model_folder.rglob("*.safetensors")) for one in (run, expected))
    names = [
        [path.relative_to(one.folder.model_folder) for path in paths]
        for one, paths in ((run, files), (expected, expected_files))
    ]
    assert names[0] == names[1]
    for path, expected_path in zip(files, expected_files, strict=True):
        weights, expected_weights = load_file(path), load_file(expected_path)
        assert weights.keys() == expected_weights.keys()
        for name, tensor in weights.items():
            torch.testing.assert_close(tensor, expected_weights[name], rtol=1e-3, atol=2e-4)
