"""Start-up of the commands people type most, beside bare Python and the Hub's own command, alternating in one run.

    uv run bench/startup.py [--rounds 15]

Prints the median of each in milliseconds and its ratio to `hf --help`; a ratio above 1 means sooner.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import zoo": [sys.executable, "-c", "import zoo"],
    "zoo --help": [str(BIN / "zoo"), "--help"],
    "zoo ls": [str(BIN / "zoo"), "ls"],
    "Tab in a shell": [str(BIN / "zoo"), "__complete", "fish", "zoo", "predict", ""],
    "hf --help": [str(BIN / "hf"), "--help"],
}


def milliseconds(command: list[str]) -> float:
    """Wall time of one process, checked for success."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure all commands in turn, round by round."""
    parser = argparse.ArgumentParser(description="Start-up times beside bare Python and hf.")
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a person's second start finds modules compiled
    commands = {name: command for name, command in COMMANDS.items() if shutil.which(command[0])}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        milliseconds(command)
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(milliseconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{'command':<16} {'median ms':>9} {'over bare Python':>17} {'hf --help / it':>15}")
    for name, median in medians.items():
        over = median - medians["python -c pass"]
        ratio = f"{medians['hf --help'] / median:.1f}x" if "hf --help" in medians else "-"
        print(f"{name:<16} {median:>9.0f} {over:>17.0f} {ratio:>15}")


if __name__ == "__main__":
    main()
