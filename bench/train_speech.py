"""Learn to write spoken words down, from random numbers and after pretraining, beside a plain loop of the same network.

    uv run bench/train_speech.py --data speech_digits [--model wav2vec2-tiny] [--steps 900] [--pretrain-steps 2000]
                                 [--batch 16] [--lr 1e-3] [--precision fp32] [--loop-precision fp32] [--seeds 1]
                                 [--only SIDE ...]

The data are a folder with train.csv and test.csv: file_name, transcription, speaker. Pretraining sees the recordings of
train.csv without their words; its result is what both `pretrained` sides begin with, and both `frozen` ones: those
leave the convolutions as they are, as networks of the Hub are learnt. The peer (bench/speech_peer.py) takes the same
steps of the same sizes, in the same precision if --loop-precision says no other. Each side is a process of its own, in
turn, seed by seed. What zoo and the peer write down of test.csv is normalised and judged by the same function: word
error rate, the share of recordings that are right to the last letter, and both of the speakers who are in no row of
train.csv, with 95% intervals: of a share Wilson's (1927), of an error rate the bootstrap's over recordings, each with
the mean of its seeds. Speed is that of the steps, without the first ten; nothing is evaluated before the end.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

PEER = str(Path(__file__).with_name("speech_peer.py"))
SIDES = ("scratch", "scratch-loop", "pretrained", "pretrained-loop", "frozen", "frozen-loop")
TASK = "automatic-speech-recognition"
WARM = 10
"""Steps that are not counted."""


class Row(NamedTuple):
    """A recording of the data."""

    path: str
    words: str
    speaker: str
    seconds: float


class Task(NamedTuple):
    """What is compared."""

    train: list[Row]
    test: list[Row]
    args: argparse.Namespace
    folder: Path
    """For what is written on the way."""

    @property
    def options(self) -> dict[str, object]:
        """Of every run of zoo."""
        common = {"batch_size": self.args.batch, "eval_share": 0.0, "save_steps": 1_000_000, "device": "cpu"}
        return {**common, "precision": self.args.precision}

    @property
    def step_s(self) -> float:
        """Seconds of sound in a step."""
        return sum(row.seconds for row in self.train) / math.ceil(len(self.train) / self.args.batch)


class Outcome(NamedTuple):
    """Of one training."""

    speed: float
    """Seconds of sound a second."""
    heard: list[str]


def rows_of(table: Path) -> list[Row]:
    """Of a part of the data, paths absolute."""
    import soundfile

    rows = []
    for row in csv.DictReader(table.open(encoding="utf-8")):
        path = str(table.parent / row["file_name"])
        rows.append(Row(path, row["transcription"], row["speaker"], soundfile.info(path).duration))
    return rows


def pretrained(task: Task, seed: int) -> str:
    """The name of a model that has heard all recordings to learn from, and none of their words."""
    import zoo

    table = task.folder / "recordings.csv"
    table.write_text("audio\n" + "".join(f"{row.path}\n" for row in task.train), encoding="utf-8")
    name, steps = f"pretrained-{seed}", task.args.pretrain_steps
    run = zoo.pretrain(task.args.model, table, name=name, max_steps=steps, seed=seed, **task.options)
    return run.wait(progress=False).name


def ours(task: Task, model: str, seed: int, *, frozen: bool) -> Outcome:
    """Of zoo."""
    import zoo
    from zoo.runs.events import StepCompleted

    args = task.args
    options = {**task.options, "max_steps": args.steps, "lr": args.lr, "seed": seed, "freeze_feature_encoder": frozen}
    run = zoo.finetune(model, args.data / "train.csv", task=TASK, **options).wait(progress=False)
    ends = [(event.step, event.at) for event in run.events() if isinstance(event, StepCompleted)]
    answers = zoo.load(run.name, device="cpu", precision=args.precision).predict([row.path for row in task.test])
    return Outcome(speed(task, ends), [answer.text for answer in answers])


def peer(task: Task, model: str, seed: int, *, frozen: bool) -> Outcome:
    """Of the plain loop."""
    import zoo

    args, out = task.args, task.folder / "heard.json"
    card = next(card for card in zoo.models() if card.name == args.model)
    command = [sys.executable, "-W", "ignore", PEER, "--train", args.data / "train.csv", "--test"]
    command += [args.data / "test.csv", "--architecture", json.dumps(card.architecture), "--steps", args.steps]
    command += ["--batch", args.batch, "--lr", args.lr, "--seed", seed, "--out", out]
    command += ["--precision", args.loop_precision or args.precision]
    if model != args.model:
        command += ["--weights", zoo.open_run(model).folder.model_folder]
    if frozen:
        command += ["--freeze"]
    subprocess.run([*map(str, command)], check=True)
    result = json.loads(out.read_text())
    return Outcome(speed(task, list(enumerate(result["times"], 1))), result["heard"])


def speed(task: Task, ends: list[tuple[int, float]]) -> float:
    """Seconds of sound a second, from the first steps that ended after the warm-up to the last."""
    first, last = next(one for one in ends if one[0] >= WARM), ends[-1]
    return task.step_s * (last[0] - first[0]) / (last[1] - first[1])


def share(right: np.ndarray) -> str:
    """How many are right, with the interval of Wilson; right has a number from 0 to 1 for each recording."""
    count, p, z = len(right), float(right.mean()), 1.96
    denominator = 1 + z * z / count
    centre = (p + z * z / (2 * count)) / denominator
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / denominator
    return f"{p:.3f} ({centre - half:.3f}-{centre + half:.3f})"


def rate(errors: np.ndarray, words: np.ndarray) -> str:
    """Errors of all words, with the bootstrap's interval over recordings."""
    draws = np.random.default_rng(0).integers(0, len(words), (2_000, len(words)))
    low, high = np.percentile(errors[draws].sum(1) / words[draws].sum(1), (2.5, 97.5))
    return f"{errors.sum() / words.sum():.3f} ({low:.3f}-{high:.3f})"


class Judged(NamedTuple):
    """Of the recordings of test.csv, each of shape (recordings,), or (seeds, recordings) of several."""

    errors: np.ndarray
    right: np.ndarray


def judged(task: Task, heard: list[str]) -> Judged:
    """Word errors of each recording, and whether it is right to the last letter."""
    from zoo.metrics import TranscriptMetrics

    errors, right = [], []
    for row, text in zip(task.test, heard, strict=True):
        metrics = TranscriptMetrics()
        metrics.update(row.words, text)
        errors.append(metrics.compute()["wer"] * len(row.words.split()))
        right.append(float(metrics.compute()["cer"] == 0))
    return Judged(np.array(errors), np.array(right))


def line(task: Task, results: Judged) -> str:
    """Of all recordings, and of speakers never heard."""
    known = {row.speaker for row in task.train}
    words = np.array([len(row.words.split()) for row in task.test])
    strange = np.array([row.speaker not in known for row in task.test])
    parts = [("", np.ones_like(strange)), ("   never heard: ", strange)]
    return "".join(
        f"{what}WER {rate(results.errors[chosen], words[chosen])} right {share(results.right[chosen])}"
        for what, chosen in parts
        if chosen.any()
    )


def report(task: Task, outcomes: dict[str, list[Outcome]]) -> None:
    """All seeds together."""
    all_judged = {}
    print(f"\nmeans of {task.args.seeds} seeds, {task.args.precision}, {task.args.steps} steps of {task.args.batch}")
    for side, of_side in outcomes.items():
        seeds = [judged(task, one.heard) for one in of_side]
        mean = Judged(*(np.mean(column, 0) for column in zip(*seeds, strict=True)))
        all_judged[side] = mean
        speeds = [one.speed for one in of_side]
        print(f"{side:<16}{statistics.mean(speeds):7.1f} s of sound/s  {line(task, mean)}")
    words = np.array([len(row.words.split()) for row in task.test])
    beside = [(side, f"{side}-loop") for side in ("scratch", "pretrained", "frozen")]
    for side, other in (*beside, ("pretrained", "scratch")):
        if side in outcomes and other in outcomes:
            pairs = zip(outcomes[side], outcomes[other], strict=True)
            ratio = statistics.median(one.speed / of_other.speed for one, of_other in pairs)
            difference = rate(all_judged[side].errors - all_judged[other].errors, words)
            print(f"{side} beside {other}: {ratio:.2f}x as fast, WER {difference} more")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="wav2vec2-tiny")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--pretrain-steps", type=int, default=2_000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--loop-precision", choices=("fp32", "bf16"), help="of the plain loop; that of zoo by default")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=SIDES, default=SIDES)
    args = parser.parse_args()
    args.data = args.data.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/home"
        task = Task(rows_of(args.data / "train.csv"), rows_of(args.data / "test.csv"), args, Path(folder))
        outcomes: dict[str, list[Outcome]] = {side: [] for side in args.only}
        for seed in range(args.seeds):
            body = pretrained(task, seed) if any("scratch" not in side for side in args.only) else ""
            for side in args.only:
                model = args.model if "scratch" in side else body
                outcome = (peer if side.endswith("loop") else ours)(task, model, seed, frozen="frozen" in side)
                outcomes[side].append(outcome)
                results = line(task, judged(task, outcome.heard))
                print(f"seed {seed} {side:<16}{outcome.speed:7.1f} s of sound/s  {results}", flush=True)
        report(task, outcomes)


if __name__ == "__main__":
    main()
