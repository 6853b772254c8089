"""The terminal UI under load: time to its first frame, and from a key press to the paint it causes.

    uv run bench/tui.py [--presses 300] [--models 10000] [--runs 10000] [--idle]

Runs the real application in a pseudo terminal. The first frame stands beside `python -c 'import textual.app'`,
alternating in one run. Then cursor keys are pressed, one after the other, while two fine-tunings keep all cores busy
(unless --idle), first in a store of few models and runs, then in one of many. A press counts until the first bytes of
the paint arrive; the cursor moves by one row, so each press causes one.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import msgspec

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
DOWN, UP = b"\x1b[B", b"\x1b[A"
QUIET_S = 0.15
"""No more bytes for so long: the screen is painted."""
PLUGIN = """
import zoo
ABILITIES = (zoo.Ability(verb="finetune", task="text-classification", options=zoo.FinetuneOptions),)

@zoo.hookimpl
def finetune(run):
    raise NotImplementedError

@zoo.hookimpl
def cards():
    return [
        zoo.Card(name=f"model-{n}", task="text-classification", family="toy", summary=f"number {n}", parameters=n,
                 abilities=ABILITIES)
        for n in range(%d)
    ]
"""


class Terminal:
    """zoo on a pseudo terminal of 100 x 30."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zoo"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | environment,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, text: bytes, seconds: float = 120.0) -> float:
        """Seconds since the start until a text has been painted."""
        painted, deadline = b"", time.perf_counter() + seconds
        while text not in painted:
            if not select.select([self.master], [], [], 0.5)[0]:
                assert time.perf_counter() < deadline, f"{text!r} was not painted"
                continue
            painted = (painted + os.read(self.master, 1 << 16))[-(1 << 18) :]
        return time.perf_counter() - self.started

    def settle(self, quiet_s: float = QUIET_S) -> None:
        """Read until nothing comes any more, or for two seconds where something always does."""
        deadline = time.perf_counter() + 2.0
        while select.select([self.master], [], [], quiet_s)[0] and time.perf_counter() < deadline:
            os.read(self.master, 1 << 16)

    def press(self, key: bytes) -> float:
        """Seconds from a key to the first bytes of what it paints."""
        while select.select([self.master], [], [], 0)[0]:
            os.read(self.master, 1 << 16)
        started = time.perf_counter()
        os.write(self.master, key)
        assert select.select([self.master], [], [], 10)[0], "a key caused no paint"
        os.read(self.master, 1 << 16)
        return time.perf_counter() - started

    def close(self) -> None:
        """Leave."""
        os.write(self.master, b"q")
        time.sleep(0.3)
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def first_frame(store: Path, rounds: int) -> None:
    """The first frame beside importing the toolkit."""
    ours, theirs = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        theirs.append(time.perf_counter() - started)
        terminal = Terminal({"ZOO_HOME": str(store)})
        ours.append(terminal.wait_for(b"Models"))
        terminal.close()
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"first frame {a * 1000:.0f} ms, import textual.app {b * 1000:.0f} ms: {a / b:.2f}x")


def latency(name: str, environment: dict[str, str], presses: int, place: bytes, title: bytes) -> None:
    """Press cursor keys and tell the percentiles."""
    terminal = Terminal(environment)
    terminal.wait_for(b"Models")
    terminal.settle(1.0)
    os.write(terminal.master, place)
    if place != b"1":
        terminal.wait_for(title)
    terminal.settle(1.5)
    times = []
    for number in range(presses):
        times.append(terminal.press(UP if number // 20 % 2 else DOWN))
        terminal.settle(0.02)
        time.sleep(random.uniform(0.02, 0.08))
    terminal.close()
    ordered = sorted(times)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    print(f"{name:<34} p50 {p50 * 1000:6.1f} ms   p99 {p99 * 1000:6.1f} ms   worst {ordered[-1] * 1000:6.1f} ms")


def write_runs(store: Path, count: int) -> None:
    """Finished runs, as the engine leaves them."""
    from zoo.runs.events import RunFinished, RunLaunched, StepCompleted, encode
    from zoo.runs.request import DataRequest, RunRequest

    steps = b"".join(
        encode(StepCompleted(step=n, steps=50, epoch=1, loss=1 / n, lr=0.1, grad_norm=1, samples_per_s=9))
        for n in range(1, 51)
    )
    log = encode(RunLaunched(attempt=1)) + steps + encode(RunFinished(metrics={"accuracy": 0.9}, step=50))
    for number in range(count):
        folder = store / "runs" / f"run-{number}"
        folder.mkdir(parents=True)
        request = RunRequest(
            name=folder.name,
            verb="evaluate",
            model=f"many/model-{number % 100}",
            plugin="many",
            task="text-classification",
            data=DataRequest(path="/data.csv"),
            created_at=time.time() - number * 60,
        )
        (folder / "run.json").write_bytes(msgspec.json.encode(request))
        (folder / "events.jsonl").write_bytes(log)


def write_plugin(site: Path, count: int) -> None:
    """One plugin of many cards."""
    site.mkdir()
    (site / "zoo_many.py").write_text(PLUGIN % count)
    metadata = site / "zoo_many-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-many\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[zoo.plugins]\nmany = zoo_many\n")


@contextmanager
def two_trainings(store: Path, *, busy: bool) -> Iterator[None]:
    """Keep all cores busy with what zoo is for."""
    if not busy:
        yield
        return
    os.environ["ZOO_HOME"] = str(store)
    import zoo

    runs = [zoo.finetune("all-minilm-l6-v2", DATA, device="cpu", epochs=1000.0) for _ in range(2)]
    try:
        while any(run.snapshot.step < 2 for run in runs):
            assert all(run.snapshot.status != "failed" for run in runs)
            time.sleep(0.5)
        yield
    finally:
        for run in runs:
            run.stop(force=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="The terminal UI's first frame and latency.")
    parser.add_argument("--presses", type=int, default=300)
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--idle", action="store_true", help="without trainings beside it")
    args = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a person's second start finds modules compiled
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        few, many, site = root / "few", root / "many", root / "site"
        write_runs(few, 60)
        write_runs(many, args.runs)
        write_plugin(site, args.models)
        first_frame(few, args.rounds)
        crowd = {"ZOO_HOME": str(many), "PYTHONPATH": str(site)}
        with two_trainings(root / "busy", busy=not args.idle):
            beside = "idle" if args.idle else "two trainings beside it"
            print(f"key press to paint, {args.presses} presses, {beside}")
            latency("models, as installed", {"ZOO_HOME": str(few)}, args.presses, b"1", b"")
            latency("runs, 60", {"ZOO_HOME": str(few)}, args.presses, b"2", b"run-1")
            latency(f"models, {args.models:,}", crowd, args.presses, b"1", b"")
            latency(f"runs, {args.runs:,}", crowd, args.presses, b"2", b"run-1")


if __name__ == "__main__":
    main()
