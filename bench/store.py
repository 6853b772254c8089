"""A store of a million runs and a hundred thousand cards: what looking at it takes.

    uv run bench/store.py [--runs 1000000] [--cards 100000] [--live 20] [--results 1000] [--keep FOLDER]

What is real: a folder a run with its `run.json` and `events.jsonl` (ten steps and the end), newest last; some of them
(`--live`) are going on, of which this process stands for the workers; some (`--results`) have left a model; one plugin
gives all of the cards. What is not: logs, checkpoints, weights, and workers that write meanwhile. Every figure is of a
process of its own, its imports included: wall time of the first look (`before`) and of the second (`again`, when the
system knows the folders), processor time of the second, which other work on the machine changes little, and the most
resident memory of both. A store of a million runs takes 12 GB and some minutes to be written; `--keep` writes it to a
folder that is used again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import msgspec
from tui import write_plugin

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")

INDEX = """
import time
from zoo.runs.index import RunIndex
began = time.perf_counter()
RunIndex(portion=500).refresh()
first = time.perf_counter()
index = RunIndex()
index.refresh()
filled = time.perf_counter()
len(index.summaries)
index.refresh()
again = time.perf_counter() - filled
print(f"{first - began:.1f} s for the newest, {filled - first:.1f} s for all, {again:.2f} s to look again")
"""
NAME = """
from zoo.runs import store
print(store.unused_name(store.all_runs()[0].request))
"""
LOOKS = {
    "zoo ps": ["-m", "zoo", "ps"],
    "zoo runs --last 20": ["-m", "zoo", "runs", "--last", "20"],
    "zoo logs RUN": ["-m", "zoo", "logs", "run-7"],
    "zoo runs --verb predict": ["-m", "zoo", "runs", "--verb", "predict", "--last", "1"],
    "zoo ls": ["-m", "zoo", "ls"],
    "zoo ls --family": ["-m", "zoo", "ls", "--family", "bert"],
    "zoo show MODEL": ["-m", "zoo", "show", "model-7"],
    "Tab: zoo predict ": ["-m", "zoo", "__complete", "fish", "zoo", "predict", ""],
    "Tab: zoo attach run-77": ["-m", "zoo", "__complete", "fish", "zoo", "attach", "run-77"],
    "a name for a new run": ["-c", NAME],
    "the UI's list of runs": ["-c", INDEX],
}


def write_store(root: Path, count: int, live: int, results: int, worker: int) -> None:
    """Write the runs that are not there yet; a process stands for the workers of the last."""
    import zoo
    from zoo.runs import liveness
    from zoo.runs.events import RunFinished, RunLaunched, RunStarted, StepCompleted, encode
    from zoo.runs.log import append
    from zoo.runs.request import DataRequest, RunRequest
    from zoo.runs.store import RunFolder

    steps = b"".join(
        encode(StepCompleted(step=n, steps=10, epoch=1, loss=1 / n, lr=0.1, grad_norm=1, samples_per_s=9))
        for n in range(1, 11)
    )
    log = encode(RunLaunched(attempt=1)) + steps + encode(RunFinished(metrics={"accuracy": 0.9}, step=10))
    runs = root / "runs"
    began = time.time() - count
    for number in range(count):
        folder = RunFolder(runs / f"run-{number}")
        if folder.path.is_dir():
            continue
        folder.path.mkdir(parents=True)
        request = RunRequest(
            name=folder.name,
            verb="evaluate",
            model=f"many/model-{number % 100}",
            plugin="many",
            task="text-classification",
            data=DataRequest(path="/data.csv"),
            created_at=began + number,
        )
        folder.request_path.write_bytes(msgspec.json.encode(request))
        folder.events_path.write_bytes(log)
    for number in range(count - live, count):
        folder = RunFolder(runs / f"run-{number}")
        append(folder, RunLaunched(attempt=2))
        append(folder, RunStarted(attempt=2, pid=worker, device="cpu", precision="fp32"))
        liveness.record(folder, worker)
    if results and not (runs / "result").is_dir():
        zoo.finetune("echo", DATA, name="result", device="cpu", max_steps=20).wait(progress=False)
    for number in range(results):
        if not (runs / f"result-{number}").is_dir():
            shutil.copytree(runs / "result", runs / f"result-{number}", ignore=shutil.ignore_patterns("checkpoints"))


def look(name: str, arguments: list[str]) -> None:
    """Times and memory of one process, twice."""
    seconds, cpu_s, memory, output = [], 0.0, 0, b""
    for _ in range(2):
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(time.perf_counter() - started)
        cpu_s = usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss)
    told = output.decode().strip().splitlines()[-1:] if process.returncode or "list of runs" in name else []
    print(
        f"{name:<24} {seconds[0]:8.2f} s {seconds[1]:8.2f} s {cpu_s:8.2f} s {memory / 1e3:8.0f} MB  {' '.join(told)}",
        flush=True,
    )


def main() -> None:
    """Write, look, print."""
    parser = argparse.ArgumentParser(description="Looking at a very large store.")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--cards", type=int, default=100_000)
    parser.add_argument("--live", type=int, default=20)
    parser.add_argument("--results", type=int, default=1000)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a person's second start finds modules compiled
    with tempfile.TemporaryDirectory() as temporary:
        root = args.keep or Path(temporary)
        os.environ["ZOO_HOME"], os.environ["XDG_CACHE_HOME"] = str(root / "store"), str(root / "cache")
        started = time.perf_counter()
        writing = multiprocessing.get_context("spawn").Process(
            target=write_store, args=(root / "store", args.runs, args.live, args.results, os.getpid())
        )  # this one stays small: the memory of a process counts that which it was forked from
        writing.start()
        writing.join()
        if writing.exitcode:
            sys.exit(1)
        if not (root / "site").is_dir():
            write_plugin(root / "site", args.cards)
        os.environ["PYTHONPATH"] = str(root / "site")
        print(f"{args.runs:,} runs, {args.cards:,} cards: written in {time.perf_counter() - started:.0f} s")
        print(f"{'':<24} {'before':>10} {'again':>10} {'CPU':>10} {'memory':>11}")
        for name, arguments in LOOKS.items():
            look(name, arguments)


if __name__ == "__main__":
    main()
