"""`zoo predict MODEL TEXT` as a whole process, cold and with the model kept warm, beside a script that does the same.

    uv run bench/predict_cold.py [--rounds 5]

The peer is the shortest script with transformers' pipeline, on the same weights: MiniLM, fine-tuned for a few steps
first, in a store of its own. Processes alternate; their labels are held against each other. Seconds are wall time from
the start of a process to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
TEXT = "nine days now and the tracking page still says label created"
STEPS = 60
SCRIPT = """
import sys
from transformers import pipeline
print(pipeline("text-classification", model=sys.argv[1])(sys.argv[2])[0]["label"])
"""


def script(folder: Path) -> str:
    """The label that the peer prints."""
    words = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder), TEXT]
    return subprocess.run(words, check=True, capture_output=True, encoding="utf-8").stdout.split()[-1]


def ours(*words: str) -> str:
    """The label that `zoo predict` prints."""
    command = [str(Path(sys.executable).parent / "zoo"), "predict", "bench", TEXT, "--json", "-q", *words]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
    return str(answer["prediction"]["scores"][0]["label"])


def seconds(work: Callable[[], str], labels: set[str]) -> float:
    """Of one process."""
    began = time.perf_counter()
    labels.add(work())
    return time.perf_counter() - began


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="One text, one process.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a person's second start finds modules compiled
    with tempfile.TemporaryDirectory() as root:
        os.environ |= {"ZOO_HOME": f"{root}/store", "HF_HUB_OFFLINE": "1", "XDG_RUNTIME_DIR": root}
        import zoo

        options = {"max_steps": STEPS, "name": "bench"}
        folder = zoo.finetune("all-minilm-l6-v2", DATA, device="cpu", **options).wait().folder.model_folder
        ways = {
            "script with a pipeline": lambda: script(folder),
            "zoo predict, cold": ours,
            "zoo predict, warm": lambda: ours("--keep-warm", "5"),
        }
        labels: set[str] = set()
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, work in ways.items():
                if "warm" in name:
                    seconds(work, labels)  # starts the process that is kept, or finds it
                times[name].append(seconds(work, labels))
            ours("--keep-warm", "0")
    assert len(labels) == 1, labels
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{rounds} rounds; all say {labels.pop()}")
    for name, median in medians.items():
        print(f"{name:<24} {median:6.2f} s {median / medians['script with a pipeline']:6.3f}x")


if __name__ == "__main__":
    main()
