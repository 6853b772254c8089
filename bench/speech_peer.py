"""Train a CTC network in a plain loop, and write what it hears; run by train_speech.py.

Recordings are read once and kept; a shuffled DataLoader fills up batches, the network is transformers' Wav2Vec2ForCTC,
its loss the mean of each text's over its letters. Network, weights, batch, steps, learning rate and its schedule, AdamW
with decay of what has two dimensions, the limit of gradients and the precision are those of the run of zoo that it is
measured beside; time is masked as there, and as there the network knows which samples only fill up.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC, get_linear_schedule_with_warmup, logging

RATE = 16_000
MASKS = {"mask_time_prob": 0.05, "mask_time_length": 5, "mask_time_min_masks": 0}
"""Spans of five moments, a quarter of what most recordings have."""


def read(table: Path) -> list[tuple[torch.Tensor, str]]:
    """Recordings with mean 0 and standard deviation 1, and what is said in them."""
    pairs = []
    for row in csv.DictReader(table.open(encoding="utf-8")):
        samples, rate = soundfile.read(table.parent / row["file_name"], dtype="float32")
        heard = resample_poly(samples, RATE // 1000, rate // 1000)
        normal = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
        pairs.append((torch.from_numpy(normal.astype(np.float32)), row["transcription"].lower()))
    return pairs


def make_network(args: argparse.Namespace, letters: list[str]) -> Any:
    """From random numbers, or with a new head on weights."""
    logging.set_verbosity_error()
    head: dict[str, Any] = {"vocab_size": len(letters), "pad_token_id": 0, "ctc_loss_reduction": "mean"}
    settings = {**head, **MASKS, "apply_spec_augment": True, "layerdrop": 0.0}
    if not args.weights:
        return Wav2Vec2ForCTC(Wav2Vec2Config(**json.loads(args.architecture), **settings))
    network = Wav2Vec2ForCTC.from_pretrained(args.weights, **settings)
    if args.freeze:
        network.freeze_feature_encoder()
    return network


def batch_of(pairs: list[tuple[torch.Tensor, str]], letters: list[str]) -> dict[str, torch.Tensor]:
    """Filled up."""
    samples = [one for one, _ in pairs]
    labels = [torch.tensor([letters.index(letter) for letter in text]) for _, text in pairs]
    return {
        "input_values": pad_sequence(samples, batch_first=True),
        "attention_mask": pad_sequence([torch.ones(len(one), dtype=torch.long) for one in samples], batch_first=True),
        "labels": pad_sequence(labels, batch_first=True, padding_value=-100),
    }


def main() -> None:
    """Train, answer, and write the times of all steps and the texts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--weights", default="", help="folder to begin with; else random numbers")
    parser.add_argument("--freeze", action="store_true", help="leave the convolutions as they are in the weights")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16"), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)
    train, test = read(args.train), read(args.test)
    letters = ["", *sorted({letter for _, text in train for letter in text})]
    network = make_network(args, letters)
    loader = DataLoader(train, batch_size=args.batch, shuffle=True, collate_fn=lambda pairs: batch_of(pairs, letters))
    trained = [one for one in network.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in trained if one.ndim >= 2], "weight_decay": 0.01},
        {"params": [one for one in trained if one.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.lr)
    schedule = get_linear_schedule_with_warmup(optimizer, args.steps // 10, args.steps)
    reduced = torch.autocast("cpu", torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    times: list[float] = []
    network.train()
    while len(times) < args.steps:
        for batch in loader:
            with reduced:
                loss = network(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            times.append(time.perf_counter())
            if len(times) == args.steps:
                break
    network.eval()
    heard = []
    with torch.inference_mode(), reduced:
        for samples, _ in test:
            best = network(samples[None]).logits[0].argmax(-1).tolist()
            heard.append("".join(letters[number] for number, _ in groupby(best)))
    args.out.write_text(json.dumps({"times": times, "heard": heard}))


if __name__ == "__main__":
    main()
