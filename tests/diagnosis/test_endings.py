"""What ended a run is named: memory, a disk, any other error."""

from __future__ import annotations

import shutil

import pytest

from tests.diagnosis.records import Recorder, falling, the_only, values
from zoo.runs import log
from zoo.runs.events import (
    EvaluationCompleted,
    MicroBatchHalved,
    RunFailed,
    RunPlanned,
    StepCompleted,
)


@pytest.mark.parametrize(
    "failure",
    [
        RunFailed(kind="OutOfMemoryError", message="OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
        RunFailed(kind="RuntimeError", message="RuntimeError: DefaultCPUAllocator: can't allocate memory"),
        RunFailed(kind="RunFailed", message="step 3 runs out of memory with one example computed at once: no"),
        RunFailed(kind="OSError", message="OSError: [Errno 12] Cannot allocate memory"),
        RunFailed(
            kind="ImportError", message="ImportError: libtorch_cuda.so: failed to map segment from shared object"
        ),
    ],
)
def test_memory_that_ran_out(failure: RunFailed, recorder: Recorder) -> None:
    halved = MicroBatchHalved(step=2, micro_batch_size=4, reason="no room")
    folder = recorder.run(halved, failure, losses=falling())

    finding = the_only(folder)
    assert finding.rule == "out-of-memory"
    assert values(finding)["computed at once"] == "4"
    assert finding.remedies[0].command.endswith("--micro-batch-size 1")


def test_what_only_sounds_like_memory(recorder: Recorder) -> None:
    message = "ImportError: libgomp.so.1: cannot allocate memory in static TLS block"
    assert the_only(recorder.run(RunFailed(kind="ImportError", message=message))).rule == "error"


def test_a_worker_that_was_ended_by_its_own_library(recorder: Recorder) -> None:
    folder = recorder.run(losses=falling())
    folder.log_path.write_text("terminate called after throwing an instance of 'std::bad_alloc'\n  what():  aborted\n")

    finding = the_only(folder)
    assert finding.rule == "out-of-memory"
    assert values(finding)["printed last"] == "terminate called after throwing an instance of 'std::bad_alloc'"


def test_a_worker_that_is_gone_in_a_step_that_ran_out_of_memory(recorder: Recorder) -> None:
    halved = MicroBatchHalved(step=41, micro_batch_size=4, reason="no room")
    folder = recorder.run(halved, losses=falling())
    assert values(the_only(folder))["the step before it was gone"] == "ran out of memory"

    shutil.rmtree(folder.path)
    folder = recorder.run(
        halved,
        StepCompleted(step=41, steps=80, epoch=2.0, loss=0.1, lr=1e-4, grad_norm=0.1, samples_per_s=9.0),
        losses=falling(),
    )
    assert the_only(folder).rule == "error"  # which went on with fewer at once

    shutil.rmtree(folder.path)
    folder = recorder.run(halved, EvaluationCompleted(step=40, metrics={}, rows=100), losses=falling())
    assert the_only(folder).rule == "error"  # likewise


def test_memory_that_ran_out_before_anything_was_computed(recorder: Recorder) -> None:
    folder = recorder.run(RunFailed(kind="MemoryError", message="MemoryError: no message"))
    events = [event for event in log.read_events(folder)[0] if not isinstance(event, RunPlanned)]
    folder.events_path.unlink()
    for event in events:
        log.append(folder, event)

    finding = the_only(folder)
    assert finding.what == "memory ran out before the first step: what is loaded takes more than there is"
    assert [one.command for one in finding.remedies] == ["zoo devices"]


def test_a_disk_that_was_full(recorder: Recorder) -> None:
    message = "the disk of /data is full: 0.1 MB of 10.0 GB are free"
    folder = recorder.run(RunFailed(kind="StoreInvalid", message=message), losses=falling())

    finding = the_only(folder)
    assert finding.rule == "disk-full"
    commands = [one.command for one in finding.remedies]
    assert commands == ["zoo cache prune", "zoo rm words", "zoo resume spoilt"]


def test_any_other_error_is_told_with_its_advice(recorder: Recorder) -> None:
    failure = RunFailed(kind="ValueError", message="ValueError: told to fail", hint="ask")
    folder = recorder.run(failure, losses=falling())

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("error", "the run has failed")
    assert values(finding)["advice"] == "ask"
    assert finding.remedies[0].command == "zoo logs spoilt"
