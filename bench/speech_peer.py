"""Train a CTC network in a plain loop, and write what it hears; run by train_speech.py.

Recordings are read once and kept; a shuffled DataLoader fills up batches, the network is transformers' Wav2Vec2ForCTC
in fp32 with its own masking of time, AdamW with linear warm-up and decay. Network, batch, steps and learning rate are
those of the run of zoo that it is measured beside.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC, get_linear_schedule_with_warmup

RATE = 16_000


def read(table: Path) -> list[tuple[torch.Tensor, str]]:
    """Recordings with mean 0 and standard deviation 1, and what is said in them."""
    pairs = []
    for row in csv.DictReader(table.open(encoding="utf-8")):
        samples, rate = soundfile.read(table.parent / row["file_name"], dtype="float32")
        heard = resample_poly(samples, RATE // 1000, rate // 1000)
        normal = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
        pairs.append((torch.from_numpy(normal.astype(np.float32)), row["transcription"].lower()))
    return pairs


def main() -> None:
    """Train, answer, and write seconds and texts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)
    train, test = read(args.train), read(args.test)
    letters = ["", *sorted({letter for _, text in train for letter in text})]
    config = Wav2Vec2Config(**json.loads(args.architecture), vocab_size=len(letters), pad_token_id=0, layerdrop=0.0)
    network = Wav2Vec2ForCTC(config)

    def collate(pairs: list[tuple[torch.Tensor, str]]) -> tuple[torch.Tensor, torch.Tensor]:
        texts = [torch.tensor([letters.index(letter) for letter in text]) for _, text in pairs]
        return pad_sequence([one for one, _ in pairs], batch_first=True), pad_sequence(
            texts, batch_first=True, padding_value=-100
        )

    loader = DataLoader(train, batch_size=args.batch, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.lr)
    schedule = get_linear_schedule_with_warmup(optimizer, args.steps // 10, args.steps)
    began, step = time.perf_counter(), 0
    network.train()
    while step < args.steps:
        for samples, labels in loader:
            loss = network(samples, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step == args.steps:
                break
    elapsed_s = time.perf_counter() - began
    network.eval()
    heard = []
    with torch.inference_mode():
        for samples, _ in test:
            best = network(samples[None]).logits[0].argmax(-1).tolist()
            heard.append("".join(letters[number] for number, _ in groupby(best)))
    args.out.write_text(json.dumps({"elapsed_s": elapsed_s, "heard": heard}))


if __name__ == "__main__":
    main()
