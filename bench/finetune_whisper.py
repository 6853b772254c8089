"""Fine-tune Whisper, beside the usual recipe in a plain loop: errors of short and of long recordings, and speed.

    uv run bench/finetune_whisper.py --data speech_digits [--model whisper-tiny.en] [--rows 160] [--test-rows 100]
                                     [--steps 20] [--batch 16] [--lr 3.75e-5] [--only SIDE ...]

The data are a folder with train.csv and test.csv: file_name, transcription. Rows are drawn at random with a fixed
seed. `full` trains all of the network and `head` its decoder; the sides that end in `-loop` are those of
bench/whisper_peer.py, which learn without times, as the recipes of the field do. Every result is asked by zoo, of the
held-out recordings one by one, and of a long one that these make together with pauses of half a second to a second: for
that it goes by the times that the result writes. `--long` names a table of other recordings that are heard, too, each
alone and all as one. Speed is examples a second over all steps, what is computed once before them included; loading and
decoding are not counted. The sides take turns; the loop is in fp32, zoo in that of `--precision` (`auto` is its own).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

PEER = str(Path(__file__).with_name("whisper_peer.py"))
SIDES = ("published", "full", "full-loop", "head", "head-loop")
TASK = "automatic-speech-recognition"
RATE = 16_000
PAUSE_S = (0.5, 1.0)
"""Between the parts of a long recording."""


class Row(NamedTuple):
    """A recording."""

    path: str
    words: str


class Result(NamedTuple):
    """Of one side."""

    folder: Path
    """The weights, as transformers has them."""
    speed: float
    """Examples a second; 0 where nothing was learnt."""


def rows_of(table: Path, count: int | None = None) -> list[Row]:
    """Some of a table, paths absolute."""
    rows = [Row(str(table.parent / row["file_name"]), row["transcription"]) for row in csv.DictReader(table.open())]
    random.Random(0).shuffle(rows)
    return rows[:count]


def write_table(rows: Sequence[Row], path: Path) -> Path:
    """For both sides."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "transcription"), *rows])
    return path


def learnt(side: str, weights: Path, table: Path, args: argparse.Namespace, folder: Path) -> Result:
    """Train one side."""
    import zoo
    from zoo.runs.events import RunPlanned, StepCompleted

    examples = args.steps * args.batch
    method, _, peer = side.partition("-")
    if peer:
        command = [sys.executable, "-W", "ignore", PEER, "--train", table, "--weights", weights, "--out", folder]
        command += ["--steps", args.steps, "--batch", args.batch, "--lr", args.lr]
        subprocess.run([*map(str, command), *(["--freeze"] if method == "head" else [])], check=True)
        for name in ("tokenizer.json", "generation_config.json"):
            shutil.copyfile(weights / name, folder / name)
        return Result(folder, examples / json.loads((folder / "seconds.json").read_text()))
    options = {"batch_size": args.batch, "max_steps": args.steps, "lr": args.lr, "save_steps": 1_000_000}
    run = zoo.finetune(
        args.model, table, method=method, eval_share=0.0, device="cpu", precision=args.precision, **options
    ).wait(progress=False)
    events = run.events()
    (began,) = [event.at for event in events if isinstance(event, RunPlanned)]
    ended = max(event.at for event in events if isinstance(event, StepCompleted))
    return Result(run.folder.model_folder, examples / (ended - began))


def asked(model: str, folder: Path) -> Any:
    """A predictor with the weights of a folder."""
    import zoo
    from zoo.tasks import get_task
    from zoo.testing import PluginHooks

    card = next(card for card in zoo.models() if card.name == model)
    run = zoo.PredictionRun(
        card=msgspec.structs.replace(card, weights=None),
        task=get_task(TASK),
        weights=folder,
        options=PluginHooks.options(card.ability("predict", TASK)),
        device="cpu",
        precision="fp32",
    )
    return PluginHooks(card.plugin).predict(run)


def joined(rows: Sequence[Row]) -> tuple[np.ndarray, str]:
    """One recording of several, and what is said in it."""
    import zoo

    draws = np.random.default_rng(0)
    parts: list[Any] = []
    for row in rows:
        pause = draws.normal(0, 1e-4, round(draws.uniform(*PAUSE_S) * RATE)).astype(np.float32)
        parts += [zoo.read_recording(row.path, RATE), pause]
    return np.concatenate(parts), " ".join(row.words for row in rows)


def error_rate(model: Any, inputs: Sequence[Any], texts: Sequence[str]) -> str:
    """Word error rate, with its interval where there are several recordings."""
    from zoo import TranscriptMetrics

    metrics = TranscriptMetrics()
    for said, answer in zip(texts, model.predict(list(inputs)), strict=True):
        metrics.update(said, answer.text)
    figures = metrics.compute()
    interval = f" ({figures['wer_low']:.3f}-{figures['wer_high']:.3f})" if len(texts) > 1 else ""
    return f"{figures['wer']:.3f}{interval}"


def report(side: str, result: Result, test: list[Row], args: argparse.Namespace) -> None:
    """Print a line."""
    model = asked(args.model, result.folder)
    sets = [("held out", test)] + ([("others", rows_of(args.long))] if args.long else [])
    parts = []
    for name, rows in sets:
        sound, words = joined(rows)
        parts.append(f"{name} {error_rate(model, [row.path for row in rows], [row.words for row in rows])}")
        parts.append(f"as one of {len(sound) / RATE:.0f} s {error_rate(model, [(sound, RATE)], [words])}")
    speed = f"{result.speed:6.2f} examples/s" if result.speed else " " * 17
    print(f"{side:<10}{speed}  WER: {', '.join(parts)}", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--long", type=Path, help="a table of other recordings")
    parser.add_argument("--model", default="whisper-tiny.en")
    parser.add_argument("--rows", type=int, default=160)
    parser.add_argument("--test-rows", type=int, default=100)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=3.75e-5)
    parser.add_argument("--precision", default="fp32", help="of zoo's training; the loop's is fp32")
    parser.add_argument("--only", nargs="+", choices=SIDES, default=SIDES)
    args = parser.parse_args()
    args.data, args.long = args.data.absolute(), args.long and args.long.absolute()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import zoo

    weights = zoo.load(args.model, device="cpu", precision="fp32").predictor.folder
    with tempfile.TemporaryDirectory() as folder:
        table = write_table(rows_of(args.data / "train.csv", args.rows), Path(folder) / "train.csv")
        test = rows_of(args.data / "test.csv", args.test_rows)
        for side in args.only:
            out = Path(folder) / side
            trained = Result(weights, 0.0) if side == "published" else learnt(side, weights, table, args, out)
            report(side, trained, test, args)


if __name__ == "__main__":
    main()
