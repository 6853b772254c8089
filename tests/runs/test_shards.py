"""A batch prediction in shards: the same file as that of one run, however often one of its runs is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from tests.echo_runs import held_when, until, wait_quietly
from tests.yard import declare_yard
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs import control, liveness
from zoo.runs.events import PredictionsWritten
from zoo.runs.row_answers import CHUNK
from zoo.runs.store import RunFolder

ROWS = 6 * CHUNK + 100


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Rows some of which are rejected, and some have line ends."""
    texts = ('"good\nfine {}"', "bad awful {}", "", '"a ""{}"" b"')
    path = tmp_path / "in.csv"
    path.write_text("text,id\n" + "".join(f"{texts[n % 4].format(n)},{n}\n" for n in range(ROWS)))
    return path


def predict(model: str, data: Any, out: Path, **arguments: Any) -> zoo.Run:
    return zoo.predict_file(model, data, out, keep="id", device="cpu", precision="fp32", **arguments)


def kill(held: Path, run: zoo.Run) -> None:
    """Kill the worker of a run where it stands still."""
    until(held.exists)
    worker = liveness.recorded(run.folder)
    assert worker is not None
    psutil.Process(worker.pid).kill()
    assert wait_quietly(run).status == "crashed"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_the_joined_file_is_that_of_one_run_whatever_is_killed(
    words: str, data: Path, tmp_path: Path, suffix: str
) -> None:
    whole, out = tmp_path / f"whole.{suffix}", tmp_path / f"out.{suffix}"
    one_run = predict(words, data, whole).wait(progress=False)
    written = "path_of(args[0]).parent.name == 'all-shard-2' and path_of(args[0]).name == 'events.jsonl'"
    answers = f"any(one.stat().st_size for one in path_of(args[0]).parent.parent.glob('all/shards/2.{suffix}'))"
    with held_when(f"event == 'open' and {written} and {answers}") as held:
        run = predict(words, data, out, shards=3, name="all")
        kill(held, zoo.open_run("all-shard-2"))
    assert run.status == "waiting"
    with pytest.raises(zoo.RunFailed, match="all has not begun: all-shard-3, which it follows, has not finished"):
        run.wait(progress=False)
    with held_when(f"event == 'os.rename' and path_of(args[1]).name == '{out.name}'") as held:
        run.resume()
        kill(held, run)
    assert not out.exists()
    run.resume().wait(progress=False)

    assert out.read_bytes() == whole.read_bytes()
    assert run.metrics == one_run.metrics
    assert [one.name for one in tmp_path.iterdir() if "part" in one.name] == []
    until(lambda: not (run.folder.path / "shards").exists())  # which goes once the end of the run is written
    counts = [event.rows for event in run.events() if isinstance(event, PredictionsWritten)]
    assert counts[0] == 0
    assert counts[-1] == ROWS


@pytest.mark.slow
def test_one_shard_alone_answers_its_rows(words: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "last.jsonl"
    assert main(["predict", words, "--file", str(data), "--out", str(out), "--shard-of", "3/3", "--keep", "id"]) == 0
    lines = out.read_text().splitlines()

    assert len(lines) == 2 * CHUNK + 100
    assert lines[-1].startswith(f'{{"row":{ROWS},')


@pytest.mark.slow
def test_whoever_stops_the_joining_run_stops_its_shards(words: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with held_when("event == 'open' and path_of(args[0]).name == '1.csv'") as held:
        run = predict(words, data, out, shards=3, name="all")
        until(held.exists)
        for name in ("all", "all-shard-1"):
            with pytest.raises(zoo.Unsupported, match="part of a prediction in shards that has not finished"):
                zoo.open_run(name).rename("other")
        with pytest.raises(zoo.Unsupported, match="waits for its shards, which go on"):
            run.resume()
        run.stop(force=True)
    states = {one.name: one.status for one in zoo.list_runs() if one.name != words}

    assert states == dict.fromkeys(("all", "all-shard-1", "all-shard-2", "all-shard-3"), "cancelled")
    run.resume().wait(progress=False)
    assert len(out.read_text().splitlines()) > ROWS


@pytest.mark.slow
def test_shards_at_a_place_go_on_by_themselves_and_make_the_same_file(
    words: str, data: Path, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare_yard(store, tmp_path / "yard-site", monkeypatch)
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    one_run = predict(words, data, whole)
    written = "path_of(args[0]).name == 'events.jsonl' and path_of(sys.argv[-1]).name == 'all-shard-2'"
    answers = "any(one.stat().st_size for one in path_of(args[0]).parent.parent.glob('all/shards/2.csv'))"
    with held_when(f"event == 'open' and {written} and {answers}") as held:
        run = predict(words, data, out, shards=3, name="all", on="yard")
        until(held.exists)
        until(lambda: run.snapshot.rows_predicted >= ROWS - 2 * CHUNK)  # it counts the rows of the others meanwhile
        until(lambda: all(zoo.open_run(f"all-shard-{number}").status == "finished" for number in (1, 3)))
        with pytest.raises(zoo.Unsupported, match="waits for its shards, which go on"):
            run.resume()
        with pytest.raises(zoo.Unsupported, match="whose answers run all joins, is still going"):
            control.remove(run.folder)
        control.ask_to_stop(zoo.open_run("all-shard-2").folder)
        held.unlink()
        with pytest.raises(zoo.RunFailed, match="1 of 3 shards has not finished: all-shard-2 is cancelled"):
            run.wait(progress=False)
    assert any("all-shard-2 is cancelled" in warning for warning in run.snapshot.warnings)
    with pytest.raises(zoo.Unsupported, match="what run all-shard-1 has answered is to be joined by run all"):
        control.remove(zoo.open_run("all-shard-1").folder)
    run.resume().wait(progress=False)

    assert out.read_bytes() == whole.read_bytes()
    assert run.metrics == one_run.wait(progress=False).metrics
    attempts = [zoo.open_run(f"all-shard-{number}").snapshot.attempt for number in (1, 2, 3)]
    assert attempts == [1, 2, 1]


def test_shards_for_a_place_without_a_queue_are_refused(
    words: str, data: Path, tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "places.toml").write_text('[pair]\nkind = "hosts"\nhosts = "node1, node2"\n')
    out = str(tmp_path / "out.csv")
    code = main(["predict", words, "--file", str(data), "--out", out, "--shards", "2", "--on", "pair"])
    err = capsys.readouterr().err

    assert code == ExitCode.USAGE
    assert "place pair is of the kind hosts, which has no queue: all shards would begin at once" in err
    assert "--shard-of 1/N --on pair" in err
    (store / "places.toml").write_text('[box]\nkind = "here"\n')
    with pytest.raises(zoo.Unsupported, match="all shards would begin at once") as told:
        predict(words, data, tmp_path / "out.csv", shards=2, on="box")
    assert told.value.hint == "give no place, as --on or in the recipe: here shards follow one another"
    assert [run.name for run in zoo.list_runs()] == [words]


def test_shards_that_nobody_joins_yet_are_told(
    words: str, data: Path, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: RunFolder, *, now: bool) -> None:
        raise zoo.RunFailed("its worker cannot be started", "make room")

    declare_yard(store, tmp_path / "yard-site", monkeypatch)
    monkeypatch.setattr("zoo.places.here.Here.submit", lambda self, job: "7@0")
    monkeypatch.setattr("zoo.api.starting.launch", fail)
    with pytest.raises(zoo.RunFailed, match="its worker cannot be started") as told:
        predict(words, data, tmp_path / "out.csv", shards=2, name="all", on="yard")
    assert told.value.hint == "make room; its shards go on at place yard; zoo resume all joins them"


@pytest.mark.parametrize(
    ("words_typed", "message"),
    [
        (["--shards", "0"], "--shards is '0', but takes a whole number from 1 to 10000"),
        (["--shards", "two"], "--shards is 'two'"),
        (["--shards", "8"], "too few for 8 shards of at least 512 rows"),
        (["--shards", "2", "--shard-of", "1/2"], "--shards makes all shards, and --shard-of one of them"),
        (["--shard-of", "3/2"], "--shard-of is '3/2', but takes the number of a shard and how many there are"),
        (["--shard-of", "half"], "--shard-of is 'half'"),
        (["--shards", "2", "--draw", "drawn"], "answers in shards are not drawn"),
        (["--shards", "2", "--file", "-"], "stdin is read once, and cannot be divided into shards"),
        (["--shards", "2", "--out", "-"], "--shards goes with --out FILE"),
        (["--shards", "2", "--on", "nowhere"], "there is no place 'nowhere'"),
    ],
)
def test_what_cannot_be_divided_is_refused_in_one_line(
    words: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words_typed: list[str], message: str
) -> None:
    common = ["predict", words, "--file", str(data), "--out", str(tmp_path / "out.csv")]
    code = main([*common, *words_typed])
    err = capsys.readouterr().err

    assert code in (2, 4)
    assert message in err
    assert "Traceback" not in err
    assert [run.name for run in zoo.list_runs()] == [words]


def test_rows_that_python_holds_are_written_down_first(words: str, tmp_path: Path) -> None:
    with pytest.raises(zoo.OptionInvalid, match="shards divide the rows of a file, and these data are none"):
        predict(words, {"text": ["good"] * ROWS, "id": [1] * ROWS}, tmp_path / "out.csv", shards=2)
    assert [run.name for run in zoo.list_runs()] == [words]
