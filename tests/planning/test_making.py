"""From what a dry run has told to a plan, its words and its warnings: from events as they are logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from zoo.errors import OptionInvalid
from zoo.planning import Machine, Plan, plan_of, read_duration
from zoo.planning.commands import command_of
from zoo.planning.words import cost_facts, shared_by
from zoo.runs.events import AnyEvent, DataLoaded, RunLaunched, RunPlanned, RunStarted, WeightsFetched
from zoo.runs.request import (
    ClientRequest,
    DataRequest,
    FederationRequest,
    RunRequest,
    SourceRequest,
    TeacherRequest,
)
from zoo.runs.trial_figures import TrialFigures

MB, GB = 1_000_000, 1_000_000_000
MACHINE = Machine(processor="a processor", cores=4, memory_bytes=16 * GB, free_bytes=8 * GB, device="cpu", load=0.5)
REQUEST = RunRequest(
    name="",
    verb="finetune",
    model="bert/minilm",
    plugin="bert",
    task="text-classification",
    data=DataRequest(path="/data/my rows.csv", columns={"input": "said"}),
    options={"method": "full", "activation_checkpointing": False},
    changed_options={"lr": 2e-5, "max_tokens": 64},
)
TRIAL = TrialFigures(
    first_step_s=3.0,
    step_s=0.5,
    epoch_steps=100,
    measured_steps=15,
    evaluation_s=4.0,
    evaluations=3,
    checkpoint_bytes=300 * MB,
    checkpoint_s=1.0,
    best_bytes=100 * MB,
    best_s=0.5,
    result_bytes=110 * MB,
    writing_bytes=110 * MB,
    result_s=1.0,
    worker_bytes=2 * GB,
    worker_limit_bytes=8 * GB,
)


def planned(**changes: Any) -> RunPlanned:
    """A training of 300 steps, measured."""
    of_trial = {name: changes.pop(name) for name in list(changes) if name in TRIAL.__struct_fields__}
    plan = RunPlanned(
        at=115.0, steps=300, epochs=3, batch_size=16, micro_batch_size=16, parameters=20 * MB,
        trainable_parameters=20 * MB, lr=1e-4, samples_per_s=32.0, trial=msgspec.structs.replace(TRIAL, **of_trial),
    )  # fmt: skip
    return msgspec.structs.replace(plan, **changes)


def plan(
    request: RunRequest = REQUEST, machine: Machine = MACHINE, within_s: float | None = None, **changes: Any
) -> Plan:
    """What comes of it."""
    events: list[AnyEvent] = [
        RunLaunched(at=100.0),
        RunStarted(at=102.0, pid=1, device="cpu", precision="fp32", processor="a processor"),
        DataLoaded(at=103.0, train_rows=1_600, eval_rows=400, labels=("a", "b"), columns={}),
        WeightsFetched(at=104.0, received_bytes=1, total_bytes=2, bytes_per_s=1.0),
        WeightsFetched(at=109.0, received_bytes=2, total_bytes=2, bytes_per_s=1.0),
        msgspec.structs.replace(planned(**changes), at=115.0, trial=None),
        planned(**changes),
    ]
    made = plan_of(request, events, machine, fetch_bytes=0, within_s=within_s)
    assert made is not None
    return made


def test_the_time_of_a_run_is_that_of_its_parts() -> None:
    time = plan().time
    assert time is not None
    assert time.start_s == 10.0  # 15 seconds from the launch to the plan, 5 of which were a download
    assert time.first_step_s == 13.0
    assert time.epoch_s == 50.0
    assert time.end_s == 1.0 + 1.0 + 4.0  # written, loaded, and asked about what is held out
    steps, evaluations, checkpoints = 3.0 + 299 * 0.5, 3 * (4.0 + 0.5 * 0.5), 2 * 1.0
    assert time.total_s == pytest.approx(10.0 + steps + evaluations + checkpoints + 6.0)


def test_a_plan_of_a_place_is_of_its_machines_from_its_turn_on() -> None:
    request = msgspec.structs.replace(REQUEST, place="gpu", nodes=2, requeue=True)
    made = plan(request, machine=msgspec.structs.replace(MACHINE, load=99.0))

    assert made.time is not None
    assert made.time.start_s == 8.0  # 13 seconds from its turn to the plan
    assert ("gpu", 2, None, ()) == (made.place, made.nodes, made.machine, made.warnings)
    assert "2 machines of place gpu, a processor" == cost_facts(made)["machine"]
    assert made.command.endswith("--nodes 2 --on gpu --requeue")
    assert "1 process on each of 2 nodes" == shared_by(made.processes, made.nodes)


def test_folds_count_in_time_and_disk() -> None:
    """Each learns in its own steps, without what is made once, is written and loaded; all rows are answered once."""
    request = msgspec.structs.replace(REQUEST, options={**REQUEST.options, "folds": 5})
    alone, made = plan(), plan(request, fold_steps=240, fold_evaluations=3)
    assert alone.time is not None
    assert made.time is not None
    one = 240 * 0.5 + 3 * (0.8 * 4.0 + 0.5 * 0.5) + 2 * 1.0 + 1.0 + 1.0  # of which two checkpoints
    assert made.time.folds_s == pytest.approx(5 * one + 4.0 * 2_000 / 400)
    assert made.time.total_s == pytest.approx(alone.time.total_s + made.time.folds_s)
    assert alone.disk is not None
    assert made.disk is not None
    assert made.disk.needed_bytes == 2 * alone.disk.needed_bytes + 4 * 110 * MB
    assert cost_facts(made)["folds"].startswith("5 models beside the result, ")
    assert "folds" not in cost_facts(alone)
    (warning,) = plan(request, within_s=300, fold_steps=240, fold_evaluations=3).warnings
    assert "--folds 0" in warning.remedies[0].command


def test_the_disk_has_room_for_what_is_there_at_once() -> None:
    disk = plan(save_steps=10).disk
    assert disk is not None
    assert (30, 3 * 300 * MB + 100 * MB) == (disk.checkpoints, disk.needed_bytes)  # a third while it is written
    without = plan(save_steps=301).disk
    assert without is not None
    assert (0, 100 * MB + 110 * MB) == (without.checkpoints, without.needed_bytes)
    heads = plan(save_steps=301, writing_bytes=330 * MB).disk
    assert heads is not None
    assert heads.needed_bytes == 430 * MB


def test_a_run_that_fits_has_no_warnings() -> None:
    made = plan()
    assert made.warnings == ()
    assert cost_facts(made)["memory"] == "2.0 GB at its peak, fits in 8.0 GB free"
    assert cost_facts(made)["time"].startswith("about 3m")


def test_too_little_memory_is_told_with_what_helps() -> None:
    (warning,) = plan(worker_bytes=9 * GB).warnings
    assert warning.what == "memory does not suffice: 9.0 GB are needed, 8.0 GB are free"
    flags = [remedy.command.partition("--max-tokens 64 ")[2] for remedy in warning.remedies]
    assert flags == ["--micro-batch-size 4", "--activation-checkpointing", "--method lora", "--method head"]


def test_too_little_memory_of_the_device_is_told() -> None:
    request = msgspec.structs.replace(REQUEST, device="cuda:0")
    (warning,) = plan(request, memory_bytes=9 * GB, memory_limit_bytes=8 * GB).warnings
    assert warning.what == "memory does not suffice: 9.0 GB are needed of the device, 8.0 GB are free"


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.planning.making.free_bytes", lambda path: MB)
    (warning,) = plan().warnings
    assert warning.what.startswith("the disk does not suffice: ")
    assert warning.remedies[0].command == "zoo cache prune --older-than 30d"


def test_a_run_that_takes_too_long_is_told_how_many_steps_there_is_time_for() -> None:
    (warning,) = plan(within_s=60.0).warnings
    assert warning.what.endswith("more than 1m00s")
    steps = int(warning.remedies[0].command.rpartition(" ")[2])
    assert 50 < steps < 150
    (no_time,) = plan(within_s=5.0).warnings
    assert "--max-steps" not in " ".join(remedy.command for remedy in no_time.remedies)


def test_a_busy_machine_is_told() -> None:
    (warning,) = plan(machine=msgspec.structs.replace(MACHINE, load=3.5)).warnings
    assert "load 3.5" in warning.what
    assert plan(machine=msgspec.structs.replace(MACHINE, load=3.5, processors=64)).warnings == ()
    (warning,) = plan(machine=msgspec.structs.replace(MACHINE, runs=("other",))).warnings
    assert warning.what == "other computes here, too: it was measured beside them"


def test_a_loop_of_a_plugins_own_has_no_figures() -> None:
    made = plan_of(REQUEST, [RunLaunched(), planned(trial=None)], MACHINE)
    assert made is not None
    assert (made.time, made.memory, made.disk, made.steps) == (None, None, None, 300)
    assert plan_of(REQUEST, [RunLaunched()], MACHINE) is None


def test_the_command_says_what_is_not_as_usual() -> None:
    assert command_of(REQUEST, method="head", lr=None) == (
        "zoo finetune bert/minilm --data '/data/my rows.csv' --column input=said --task text-classification "
        "--max-tokens 64 --method head"
    )
    data = DataRequest(path="/a.csv", eval_path="/b.csv", separator="|", merge_labels=True)
    source = SourceRequest(
        name="mood", verb="finetune", task="text-classification", data=data, weight=0.5,
        teacher=TeacherRequest(model="bert/other", plugin="bert", digest=""),
    )  # fmt: skip
    joint = msgspec.structs.replace(
        REQUEST, name="both", sources=(source,), changed_options={"shuffle": False}, processes=2
    )
    assert command_of(joint) == (
        "zoo finetune bert/minilm --source mood=/a.csv@text-classification --weight mood=0.5 "
        "--teacher mood=bert/other --eval mood=/b.csv --separator 'mood=|' --merge-labels-of mood "
        "--no-shuffle --processes 2 --name both"
    )


def test_the_command_begins_the_very_training() -> None:
    teacher = TeacherRequest(model="bert/other", plugin="bert", digest="", share=0.25, temperature=3.0)
    exact = msgspec.structs.replace(
        REQUEST, teacher=teacher, task_reason="as the data say", changed_options={"lr": 0.0000123456789, "seed": None}
    )
    assert command_of(exact) == (
        "zoo finetune bert/minilm --data '/data/my rows.csv' --column input=said --teacher bert/other "
        "--task text-classification --lr 1.23456789e-05 --seed auto --teacher-share 0.25 --teacher-temperature 3.0"
    )
    mood = SourceRequest(name="mood", verb="finetune", task="text-classification", data=DataRequest(path="/m.csv"))
    new_head = msgspec.structs.replace(
        REQUEST, model="bert/mine.mood", head="names", kept=(mood,), changed_options={"method": "head"}
    )
    assert command_of(new_head) == (
        "zoo finetune bert/mine --source 'names=/data/my rows.csv@text-classification' --column names.input=said "
        "--method head"
    )
    clients = FederationRequest(clients=(ClientRequest(name="north", data=DataRequest(path="/all.csv")),), by="site")
    together = msgspec.structs.replace(
        REQUEST, verb="federate", data=DataRequest(path="/all.csv"), federation=clients, changed_options={"rounds": 3}
    )
    assert command_of(together) == (
        "zoo federate bert/minilm --data /all.csv --by site --task text-classification --rounds 3"
    )
    apart = msgspec.structs.replace(together, data=DataRequest(path="/sites"), federation=FederationRequest())
    assert "--clients /sites" in command_of(apart)


def test_durations_are_read_as_people_say_them() -> None:
    read = {text: read_duration(text) for text in ("90s", "10min", "10m", "1.5h", "2h30m", "1d", "2h 5min", 7)}
    assert list(read.values()) == [90, 600, 600, 5_400, 9_000, 86_400, 7_500, 7]
    for text in ("", "soon", "10", "10 apples", "-5m", "0s"):
        with pytest.raises(OptionInvalid, match="which is no time"):
            read_duration(text)


def test_the_plan_shows_itself_in_a_notebook(store: Path) -> None:
    assert "2.0 GB at its peak" in plan(worker_bytes=2 * GB)._repr_html_()
