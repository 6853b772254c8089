"""Answer a million short rows from a file into a file: does the memory of the worker stay flat?

    uv run bench/rows.py [--rows 1000000] [--model bert-tiny]

The model is made first, in a store of its own: by default the smallest BERT, trained for a moment. Resident memory of
the worker is read ten times a second; what counts is how it grows after the first 10,000 rows.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import psutil

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
FIRST = 10_000


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="Memory of a long batch prediction.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model", default="bert-tiny")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        import zoo
        from zoo.runs.events import RunStarted

        options = {"max_steps": 10, "name": "bench"} if args.model != "echo" else {"name": "bench"}
        zoo.finetune(args.model, DATA, device="cpu", **options).wait()
        rows, out = Path(root) / "rows.csv", Path(root) / "answers.jsonl"
        with rows.open("w", encoding="utf-8") as file:
            file.write("text\n")
            file.writelines(f"parcel {number} is late again\n" for number in range(args.rows))
        run = zoo.predict_file("bench", rows, out, device="cpu")
        memory: list[tuple[int, int]] = []
        while run.snapshot.live or run.status == "created":
            time.sleep(0.1)
            pid = next((event.pid for event in run.events() if isinstance(event, RunStarted)), None)
            if pid is not None and psutil.pid_exists(pid):
                memory.append((run.snapshot.rows_predicted or 0, psutil.Process(pid).memory_info().rss))
        run.wait()
        with out.open("rb") as lines:
            answered = sum(1 for _ in lines)
    assert answered == args.rows
    early = max(rss for done, rss in memory if done <= 2 * FIRST)
    late = max(rss for done, rss in memory if done >= args.rows // 2)
    print(f"{answered:,} rows answered")
    print(f"resident memory: {early / 1e6:.0f} MB after the first rows, {late / 1e6:.0f} MB in the second half")


if __name__ == "__main__":
    main()
