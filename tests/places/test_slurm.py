"""Runs on a real Slurm cluster: to their end, stopped, ended by Slurm, and gone on with."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import held_after, held_when, kill_worker, until
from tests.slurm_cluster import Cluster, attempts, job_of
from tests.sweeps.test_placed import RECIPE
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import RunFailed
from zoo.runs import control, placement
from zoo.runs.events import Noted, RunInterrupted
from zoo.runs.picking.entrant import ALL_ROWS
from zoo.runs.row_answers import CHUNK
from zoo.runs.store import RunFolder
from zoo.runs.sweeping.trial import stage_folder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Slurm")]
Start = Callable[..., zoo.Run]
HELD_AT = 6


SETTINGS: dict[str, Any] = {"device": "cpu", "precision": "fp32"}


@pytest.fixture
def uninterrupted(finished_run: Path) -> dict[str, Any]:
    """What a run here, which nobody interrupts, comes to."""
    return result(zoo.Run(RunFolder(finished_run)))


def result(run: zoo.Run) -> dict[str, Any]:
    """The figures of a run, and the bytes of what it learnt."""
    weights = {path.name: path.read_bytes() for path in run.folder.model_folder.glob("*") if path.suffix != ".md"}
    weights.pop("zoo.json")  # which has the name of the run, and times
    return {"metrics": run.metrics, **weights}


@pytest.fixture
def start(slurm: Cluster, echo: None, rows: Path) -> Start:
    """Hand a fine-tuning over to the cluster."""
    return lambda **options: zoo.finetune("echo", rows, on="slurm", **(SETTINGS | options))


@contextmanager
def held(start: Callable[[], zoo.Run]) -> Any:
    """A run that stands still at the cluster after some checkpoint; its worker goes on when it is let go."""
    with held_after(HELD_AT) as file:
        run = start()
        until(file.exists)
        yield run, file


def test_a_run_on_the_cluster_is_seen_from_here_and_comes_to_the_same(
    start: Start, uninterrupted: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = start()
    assert ("queued", "slurm") == (run.status, run.snapshot.at_place)
    run.wait(progress=False)
    assert uninterrupted == result(run)
    assert ExitCode.OK == main(["attach", run.name])
    assert f"handed over to slurm, as job {job_of(run)}" in capsys.readouterr().err


def test_a_check_proves_what_is_shared(slurm: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.OK == main(["places", "check", "slurm", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"ok"} == {one["mark"] for one in findings}
    assert {"commands", "partition", "job", "shared folder", "locks", "torch", "plugins"} <= {
        one["about"] for one in findings
    }


def test_stop_asks_the_worker_and_takes_a_waiting_run_out_of_the_queue(start: Start, slurm: Cluster) -> None:
    with held(start) as (run, _):
        with slurm.drained():
            waiting = start(name="waits")
            until(lambda: placement.state_of(waiting.folder, placement.recorded(waiting.folder)).phase == "waiting")
            waiting.stop()
            assert "cancelled" == waiting.status
        run.stop()
    assert "cancelled" == run.status


def test_the_signal_before_the_end_of_time_makes_a_checkpoint(start: Start, slurm: Cluster) -> None:
    with held(start) as (run, file):
        slurm.ask("scancel", "--signal=USR2", job_of(run))
        until(run.folder.interrupt_path.exists)
        file.unlink()
        until(lambda: run.status == "interrupted")
    assert any(isinstance(event, RunInterrupted) and event.step > HELD_AT for event in run.events())


def test_a_node_that_dies_interrupts_a_run_and_requeues_another(
    start: Start, slurm: Cluster, uninterrupted: dict[str, Any]
) -> None:
    with ExitStack() as afterwards:
        with held(lambda: start(requeue=True)) as (run, _):
            node = slurm.ask("squeue", "-h", "-j", job_of(run), "-o", "%N").strip()
            afterwards.enter_context(slurm.without(node, is_told=True))
            until(lambda: "PENDING" in slurm.ask("squeue", "-h", "-j", job_of(run), "-o", "%T"))
            until(lambda: "queued" == run.status)  # once its heartbeat is late
        slurm.begin_at_once(job_of(run))
        run.wait(progress=False)
        until(lambda: slurm.ended(job_of(run)))
    assert uninterrupted == result(run)
    assert [None, HELD_AT] == attempts(run)


def test_what_is_missing_there_is_told(start: Start, store: Path, tmp_path: Path) -> None:
    (store / "places.toml").write_text('[slurm]\nsetup = "export ZOO_PLUGINS=bert"\n')
    without_plugin = start()
    site = bare_environment(tmp_path / "bare", "submitit", "cloudpickle", "typing_extensions")
    (store / "places.toml").write_text(f'[slurm]\nenvironment = "{site}"\n')
    without_zoo = start()

    until(lambda: without_zoo.status == "failed")
    assert f"{site} has no zoo at place slurm" == without_zoo.snapshot.error
    assert "install it there: pip install 'zoo-models'" == without_zoo.snapshot.hint
    until(lambda: without_plugin.status == "failed")
    assert "there is no plugin 'echo' at place slurm" == without_plugin.snapshot.error


def test_what_sbatch_does_not_take_is_no_run(start: Start, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (store / "places.toml").write_text('[slurm]\npartition = "nope"\n')
    with pytest.raises(RunFailed, match="at place slurm: invalid partition specified: nope"):
        start()
    assert () == zoo.list_runs()
    assert "" == capfd.readouterr().err


@pytest.fixture
def many_rows(tmp_path: Path) -> Path:
    path = tmp_path / "many.csv"
    path.write_text("text\n" + "".join("good fine\n" if n % 3 else '""\n' for n in range(3 * CHUNK - 7)))
    return path


def test_shards_are_an_array_that_is_stopped_cancelled_there_and_gone_on_with(
    start: Start, slurm: Cluster, words: str, many_rows: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    one_run = zoo.predict_file(words, many_rows, whole, **SETTINGS)
    answering = "path_of(args[0]).suffix == '.jsonl' and path_of(args[0]).parent.name == 'shards'"
    with held_when(f"event == 'open' and {answering} and path_of(args[0]).stem in '12'") as held:
        run = zoo.predict_file(words, many_rows, out, shards=3, name="all", on="slurm", **SETTINGS)
        shards = [zoo.open_run(f"all-shard-{number}") for number in (1, 2, 3)]
        array = job_of(shards[0]).partition("_")[0]
        assert [f"{array}_{index}" for index in range(3)] == [job_of(shard) for shard in shards]
        until(lambda: ["running", "running", "queued"] == [shard.status for shard in shards])
        until(held.exists)
        control.ask_to_stop(run.folder)
    run.stop()  # those that stood still go on, and see it
    assert {"cancelled"} == {one.status for one in (run, *shards)}

    with held_when(f"event == 'open' and {answering} and path_of(args[0]).stem == '1'") as held:
        run.resume()
        until(held.exists)
        slurm.ask("scancel", job_of(shards[0]))
        until(lambda: "interrupted" == shards[0].status)
    assert f"zoo resume {shards[0].name}" in shards[0].snapshot.hint
    run.resume().wait(progress=False)
    assert whole.read_bytes() == out.read_bytes()
    assert one_run.wait(progress=False).metrics == run.metrics


def test_trials_are_an_array_that_a_resumed_sweep_knows_that_is_stopped_and_gone_on_with(
    slurm: Cluster, echo: None, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = rows.with_name("sweep.toml")
    recipe.write_text(RECIPE)
    with held_when("event == 'os.rename' and path_of(args[1]).name == 'judged.json'") as held:
        run = zoo.sweep(recipe, on="slurm", name="there")
        until(lambda: held.exists() and len(jobs_of_trials(run)) == 4)  # a trial may begin before that is written down
        jobs = jobs_of_trials(run)
        array = jobs[0].partition("_")[0]
        assert [f"{array}_{index}" for index in range(4)] == jobs
        kill_worker(run)
        until(lambda: "crashed" == run.status)
        run.resume()
        until(lambda: 2 == told(run).count("4 trials at place slurm: all rows"))
        assert ExitCode.OK == main(["ps"])
        assert "there  sweep  4 trials of echo/echo  running" in capsys.readouterr().out
        assert jobs == jobs_of_trials(run)
        control.ask_to_stop(run.folder)
    run.stop()  # those that stood still go on, and see it
    until(lambda: slurm.ended(array))
    assert "cancelled" == run.status

    run.resume().wait(progress=False)
    here = zoo.sweep(recipe, name="here").wait(progress=False)
    assert "told to fail at step 2" in run.candidates[3].reason
    assert table(here) == table(run)
    assert result(here) == result(run)


def jobs_of_trials(run: zoo.Run) -> list[str]:
    """What Slurm calls the trials of a sweep."""
    folders = [stage_folder(run.folder, f"trial-{number}", ALL_ROWS) for number in range(1, 5)]
    return [placed.job for folder in folders if (placed := placement.recorded(folder))]


def told(run: zoo.Run) -> list[str]:
    """The notes of a run."""
    return [event.message for event in run.events() if isinstance(event, Noted)]


def table(run: zoo.Run) -> list[tuple[Any, ...]]:
    """What a sweep says of its trials, times and memory aside."""
    return [
        (one.name, one.stage, one.settings, one.figure, one.interval, one.p, one.rows_learnt, one.chosen, one.reason)
        for one in run.candidates
    ]


def bare_environment(path: Path, *packages: str) -> Path:
    """A virtual environment with these packages of this one alone."""
    import venv

    venv.create(path, symlinks=True)
    (target,) = path.glob("lib/python*/site-packages")
    for name in packages:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (target / source.name).symlink_to(source)
    return path
