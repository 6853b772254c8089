"""Write down speech with Whisper: zoo beside transformers' pipeline, alternating in one process.

    uv run bench/transcribe.py --data manifest.csv [--model whisper-tiny.en] [--rounds 3]

Both read the same weights and write with times: zoo greedily, at its default precision and in fp32; transformers in
fp32, as its pipeline loads these, with the five beams that it has of itself, and greedily. Figures are seconds of sound
a second, best of the rounds, beside the greedy pipeline: of all recordings of the table, which it gets one by one and
eight at once, and of one long recording that they make together. Checked in the same run: words that are wrong, and how
many texts are those of the greedy pipeline.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
RATE = 16_000
PAUSE_S = 0.5
"""Between the parts of the long recording."""
Writer = Callable[[list[Any]], list[str]]


def manifest(path: Path) -> tuple[list[str], list[str]]:
    """Paths of recordings, and what is said in them."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [str(path.parent / row["file_name"]) for row in rows], [row["transcription"] for row in rows]


def pipeline_side(folder: Path, batch_size: int, beams: int) -> Writer:
    """The pipeline of transformers."""
    import torch
    from transformers import pipeline

    recognise: Any = pipeline("automatic-speech-recognition", model=str(folder), dtype=torch.float32, device="cpu")

    def write(sounds: list[Any]) -> list[str]:
        inputs = [{"raw": sound, "sampling_rate": RATE} for sound in sounds]
        how = {"return_timestamps": True, "generate_kwargs": {"num_beams": beams}}
        answers = recognise(inputs, batch_size=min(batch_size, len(sounds)), **how)
        return [answer["text"].strip() for answer in answers]

    return write


def zoo_side(model: Any) -> Writer:
    """A loaded model."""
    return lambda sounds: [getattr(answer, "text", "") for answer in model.predict([(one, RATE) for one in sounds])]


def measured(sides: dict[str, Writer], sounds: list[Any], texts: list[str], rounds: int) -> None:
    """Alternate, and print a table."""
    from zoo import TranscriptMetrics

    seconds = sum(len(sound) for sound in sounds) / RATE
    best = dict.fromkeys(sides, float("inf"))
    written: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, write in sides.items():
            began = time.perf_counter()
            written[name] = write(sounds)
            best[name] = min(best[name], time.perf_counter() - began)
    first = next(iter(sides))
    print(f"{len(sounds)} of {seconds:.0f} s together")
    for name, elapsed in best.items():
        metrics = TranscriptMetrics()
        for said, heard in zip(texts, written[name], strict=True):
            metrics.update(said, heard)
        same = sum(one == other for one, other in zip(written[first], written[name], strict=True))
        print(
            f"  {name:<28} {seconds / elapsed:6.2f} s/s  {best[first] / elapsed:5.2f}x  "
            f"WER {metrics.compute()['wer']:.3f}  {same} texts the same"
        )


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="Speech beside transformers' pipeline.")
    parser.add_argument("--data", type=Path, required=True, help="a table with file_name and transcription")
    parser.add_argument("--model", default="whisper-tiny.en")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    paths, texts = manifest(args.data)

    import numpy as np

    import zoo

    sounds: list[Any] = [zoo.read_recording(path, RATE) for path in paths]
    models = {precision: zoo.load(args.model, device="cpu", precision=precision) for precision in ("auto", "fp32")}
    predictor: Any = models["fp32"].predictor
    sides = {
        "transformers, greedy": pipeline_side(predictor.folder, 1, 1),
        "transformers, eight at once": pipeline_side(predictor.folder, 8, 1),
        "transformers, five beams": pipeline_side(predictor.folder, 1, 5),
        **{f"zoo, {model.precision}": zoo_side(model) for model in models.values()},
    }
    measured(sides, sounds, texts, args.rounds)
    pause = np.zeros(round(PAUSE_S * RATE), np.float32)
    whole = np.concatenate([part for sound in sounds for part in (sound, pause)] * 3)
    del sides["transformers, eight at once"], sides["transformers, five beams"]
    measured(sides, [whole], [" ".join(texts * 3)], args.rounds)


if __name__ == "__main__":
    main()
