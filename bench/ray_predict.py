"""Answer the rows of a file in Ray Data, and by `zoo predict --file`: rate, memory, a kill half-way.

    uv venv /tmp/rayenv
    uv pip install --python /tmp/rayenv -e ".[training]" -e "plugins/zoo-bert[minilm]" "ray[data]==2.60.0"
    /tmp/rayenv/bin/python bench/ray_predict.py [--rows 100000] [--parts 10] [--model all-minilm-l6-v2] [--steps 60]

Ray has no file that goes on where it was: as its users do, the rows are cut into parts, each part that is answered is
renamed to its own name, and a second start skips those that are there. Zoo goes on within its file. Either side is
killed (SIGKILL, with all of its processes) once it has half of the rows. Labels of both sides are held against each
other, rows that are rejected among them. Memory is the largest sum of proportional set sizes (PSS) of all processes
of a side, looked at twice a second; seconds are of whole processes, imports and the start of Ray included.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import psutil

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
MODEL = "bench"


class Side(NamedTuple):
    """What one side took."""

    seconds: float
    """Without a kill."""
    resumed_seconds: float
    """Killed half-way: both of its starts together."""
    memory: int
    """Bytes."""


def write_rows(folder: Path, rows: int, parts: int) -> None:
    """The rows in one file, and in parts; every 997th is empty."""
    with Path(DATA).open(newline="", encoding="utf-8") as file:
        messages = [row["text"] for row in csv.DictReader(file)]
    count = len(messages)
    texts = [f"{messages[i % count]} {messages[(i * 7 + i // count) % count]}" for i in range(rows)]
    numbered = [(i + 1, "" if i % 997 == 5 else text) for i, text in enumerate(texts)]
    (folder / "parts").mkdir()
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "text"), *numbered])
    for part in range(parts):
        own = numbered[rows * part // parts : rows * (part + 1) // parts]
        with (folder / "parts" / f"{part:04}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("id", "text"), *own])


def answer_in_ray(folder: Path, out: Path) -> None:
    """Answer each part that is not answered yet; what a Ray user would write."""
    import pyarrow.csv
    import ray

    import zoo

    ray.init(num_cpus=os.cpu_count(), object_store_memory=256 * 2**20, include_dashboard=False, logging_level="warning")
    ray.data.DataContext.get_current().enable_progress_bars = False
    predict = zoo.BatchPredictor(MODEL, device="cpu")
    options = pyarrow.csv.ConvertOptions(column_types={"text": "string"}, strings_can_be_null=False)
    for part in sorted((folder / "parts").iterdir()):
        done = out / f"{part.stem}.parquet"
        if done.exists():
            continue
        written = out / f"{part.stem}.writing"
        shutil.rmtree(written, ignore_errors=True)
        dataset = ray.data.read_csv(str(part), convert_options=options).map_batches(predict, batch_size=512)
        dataset.write_parquet(str(written))
        written.rename(done)


def run(command: list[str], done: Any = None) -> tuple[float, int]:
    """Run a command; returns the seconds and the most bytes it took.

    Args:
        command: the words.
        done: asked twice a second; where it says so, the command and all that it has started are killed.
    """
    started, most = time.perf_counter(), 0
    process = psutil.Popen(command)
    while process.poll() is None:
        time.sleep(0.5)
        tree = [process, *_below(process)]
        most = max(most, sum(map(_memory, tree)))
        if done and done():
            for one in tree:
                if one.is_running():
                    one.kill()
            process.wait()
            break
    else:
        assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return time.perf_counter() - started, most


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def measure_zoo(folder: Path, rows: int) -> Side:
    """`zoo predict --file`, to its end, and killed and resumed."""
    zoo_command = [sys.executable, "-m", "zoo"]
    common = [*zoo_command, "predict", MODEL, "--file", str(folder / "rows.csv"), "--keep", "id", "--device", "cpu"]
    seconds, memory = run([*common, "--out", str(folder / "zoo.csv")])
    killed = folder / "zoo-killed.csv"

    def is_half() -> bool:
        if not killed.exists():
            return False
        with killed.open("rb") as file:
            return sum(1 for _ in file) > rows // 2

    before, _ = run([*common, "--out", str(killed), "--name", "killed"], is_half)
    after, _ = run([*zoo_command, "resume", "killed"])
    assert killed.read_bytes() == (folder / "zoo.csv").read_bytes()
    return Side(seconds, before + after, memory)


def measure_ray(folder: Path, parts: int) -> Side:
    """Ray Data likewise."""

    def command(out: str) -> list[str]:
        (folder / out).mkdir(exist_ok=True)
        return [sys.executable, __file__, "--answer-in-ray", str(folder), "--out", str(folder / out)]

    seconds, memory = run(command("ray"))
    killed = folder / "ray-killed"
    before, _ = run(command("ray-killed"), lambda: len(list(killed.glob("*.parquet"))) >= parts // 2)
    after, _ = run(command("ray-killed"))
    assert _ray_answers(killed) == _ray_answers(folder / "ray")
    return Side(seconds, before + after, memory)


def _ray_answers(out: Path) -> dict[int, tuple[str | None, str | None]]:
    """Label and reason by row."""
    import pyarrow.parquet

    answers = {}
    for file in sorted(out.glob("*.parquet/*.parquet")):
        for row in pyarrow.parquet.read_table(file).to_pylist():
            answers[row["id"]] = (row["prediction"], row["rejected"])
    return answers


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="Batch prediction in Ray Data beside zoo predict --file.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--model", default="all-minilm-l6-v2")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--answer-in-ray", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer_in_ray:
        answer_in_ray(args.answer_in_ray, args.out)
        return
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import zoo

        zoo.finetune(args.model, DATA, device="cpu", max_steps=args.steps, name=MODEL).wait()
        folder = Path(root)
        write_rows(folder, args.rows, args.parts)
        sides = {"zoo predict --file": measure_zoo(folder, args.rows), "Ray Data": measure_ray(folder, args.parts)}
        with (folder / "zoo.csv").open(newline="", encoding="utf-8") as file:
            answers = {
                int(row["id"]): (row["prediction"] or None, row["rejected"] or None) for row in csv.DictReader(file)
            }
        in_ray = _ray_answers(folder / "ray")
    assert answers.keys() == in_ray.keys()
    rejected = [row for row, (_, reason) in answers.items() if reason]
    assert rejected == [row for row, (_, reason) in in_ray.items() if reason]
    agreeing = sum(answers[row][0] == in_ray[row][0] for row in answers) / len(answers)
    print(f"{len(answers):,} rows, {len(rejected):,} of them rejected on both sides; labels agree in {agreeing:.3%}")
    for name, side in sides.items():
        print(
            f"{name:<20} {args.rows / side.seconds:8.0f} rows/s   {side.seconds:7.1f} s, killed half-way and resumed "
            f"{side.resumed_seconds:7.1f} s   {side.memory / 1e9:5.2f} GB"
        )
    print(json.dumps({name: side._asdict() for name, side in sides.items()}))


if __name__ == "__main__":
    main()
