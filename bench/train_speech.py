"""Learn to write spoken words down: from random numbers, after pretraining on recordings alone, and in a plain loop.

    uv run bench/train_speech.py --data speech_digits [--model wav2vec2-tiny] [--steps 2000] [--pretrain-steps 2000]
                                 [--batch 16] [--lr 1e-3] [--seeds 1] [--only scratch pretrained loop]

The data are a folder with train.csv and test.csv: file_name, transcription, speaker. The peer (bench/speech_peer.py)
trains the same network for the same number of steps. Pretraining sees the recordings of train.csv without their words.
All three are judged on test.csv: word error rate with its interval, the share of recordings that are right to the last
letter with its 95% interval (Wilson 1927), and that of the speakers who are in no row of train.csv. Seconds are those
from the first step to the last, evaluations not counted; nothing is evaluated before the end on either side.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PEER = str(Path(__file__).with_name("speech_peer.py"))
SIDES = ("scratch", "pretrained", "loop")


class Row(NamedTuple):
    """A recording of the data."""

    path: str
    words: str
    speaker: str


class Task(NamedTuple):
    """What is compared."""

    train: list[Row]
    test: list[Row]
    args: argparse.Namespace
    folder: Path
    """For what is written on the way."""


def rows_of(table: Path) -> list[Row]:
    """Of a part of the data, paths absolute."""
    rows = csv.DictReader(table.open(encoding="utf-8"))
    return [Row(str(table.parent / row["file_name"]), row["transcription"], row["speaker"]) for row in rows]


def ours(task: Task, seed: int, *, pretrained: bool) -> tuple[float, list[str]]:
    """Seconds and texts of zoo; those of the pretraining are not counted."""
    import zoo

    args, model = task.args, task.args.model
    options = {"batch_size": args.batch, "seed": seed, "eval_share": 0.0, "save_steps": 100_000, "device": "cpu"}
    if pretrained:
        alone = task.folder / "recordings.csv"
        alone.write_text("audio\n" + "".join(f"{row.path}\n" for row in task.train), encoding="utf-8")
        run = zoo.pretrain(model, alone, max_steps=args.pretrain_steps, **options)
        model = run.wait(progress=False).name
    recognition = "automatic-speech-recognition"
    run = zoo.finetune(model, args.data / "train.csv", task=recognition, max_steps=args.steps, lr=args.lr, **options)
    finished = run.wait(progress=False)
    answers = zoo.load(finished.name, device="cpu").predict([row.path for row in task.test])
    return seconds_of(finished.events()), [answer.text for answer in answers]


def seconds_of(events: object) -> float:
    """Of the steps of a run."""
    from zoo.runs.events import RunPlanned, StepCompleted

    at = [event.at for event in events if isinstance(event, RunPlanned | StepCompleted)]
    return at[-1] - at[0]


def peer(task: Task, seed: int) -> tuple[float, list[str]]:
    """The same of the plain loop, in a process of its own."""
    import zoo

    args, out = task.args, task.folder / "heard.json"
    card = next(card for card in zoo.models() if card.name == args.model)
    command = [sys.executable, PEER, "--train", args.data / "train.csv", "--test", args.data / "test.csv"]
    command += ["--architecture", json.dumps(card.architecture), "--steps", args.steps, "--batch", args.batch]
    subprocess.run([*map(str, command), "--lr", str(args.lr), "--seed", str(seed), "--out", str(out)], check=True)
    result = json.loads(out.read_text())
    return result["elapsed_s"], result["heard"]


def share(right: list[bool]) -> str:
    """How many are right, with the interval of Wilson."""
    count, hits, z = len(right), sum(right), 1.96
    if not count:
        return "-"
    p, denominator = hits / count, 1 + z * z / count
    centre = (p + z * z / (2 * count)) / denominator
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / denominator
    return f"{p:.3f} ({centre - half:.3f}-{centre + half:.3f})"


def report(side: str, seed: int, task: Task, elapsed_s: float, heard: list[str]) -> None:
    """One line."""
    from zoo.metrics import TranscriptMetrics

    metrics, known = TranscriptMetrics(), {row.speaker for row in task.train}
    for row, text in zip(task.test, heard, strict=True):
        metrics.update(row.words, text)
    figures = metrics.compute()
    right = [text.split() == row.words.lower().split() for row, text in zip(task.test, heard, strict=True)]
    strangers = [one for one, row in zip(right, task.test, strict=True) if row.speaker not in known]
    wer = f"{figures['wer']:.3f} ({figures['wer_low']:.3f}-{figures['wer_high']:.3f})"
    print(
        f"{side:<10} seed {seed}  {elapsed_s:6.0f} s  WER {wer}  CER {figures['cer']:.3f}  right {share(right)}  "
        f"of speakers never heard {share(strangers)}",
        flush=True,
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="wav2vec2-tiny")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--pretrain-steps", type=int, default=2_000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=SIDES, default=SIDES)
    args = parser.parse_args()
    args.data = args.data.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/home"
        task = Task(rows_of(args.data / "train.csv"), rows_of(args.data / "test.csv"), args, Path(folder))
        for seed in range(args.seeds):
            for side in args.only:
                measured = peer(task, seed) if side == "loop" else ours(task, seed, pretrained=side == "pretrained")
                report(side, seed, task, *measured)


if __name__ == "__main__":
    main()
