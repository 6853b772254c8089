"""Fine-tune Whisper as the usual recipe does, in a plain loop; run by finetune_whisper.py.

Transcripts are learnt after `<|notimestamps|>`, by the loss of transformers' own network, which is the mean over the
tokens of a batch; features are computed once and kept; with `--freeze` the encoder does not learn, and is asked in
every step. Weights, batch, steps, learning rate and its schedule, AdamW and the limit of gradients are those of the run
of zoo that it is measured beside. English models only.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import soundfile
import torch
import transformers
from scipy.signal import resample_poly
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

RATE = 16_000
Pair = tuple[torch.Tensor, torch.Tensor]


def read(table: Path, weights: Path) -> list[Pair]:
    """What the network sees of recordings, and the tokens of what is said."""
    extract: Any = transformers.WhisperFeatureExtractor.from_pretrained(weights)
    tokenizer: Any = transformers.PreTrainedTokenizerFast(tokenizer_file=str(weights / "tokenizer.json"))
    untimed, end = tokenizer.convert_tokens_to_ids(["<|notimestamps|>", "<|endoftext|>"])
    pairs = []
    for row in csv.DictReader(table.open(encoding="utf-8")):
        samples, rate = soundfile.read(table.parent / row["file_name"], dtype="float32")
        sound = resample_poly(samples, RATE // 1000, rate // 1000)
        seen = extract(sound, sampling_rate=RATE, return_tensors="pt").input_features[0]
        words = tokenizer.encode(" " + row["transcription"], add_special_tokens=False)
        pairs.append((seen, torch.tensor([untimed, *words, end])))
    return pairs


def batch_of(pairs: list[Pair]) -> dict[str, torch.Tensor]:
    """Filled up."""
    labels = pad_sequence([labels for _, labels in pairs], batch_first=True, padding_value=-100)
    return {"input_features": torch.stack([seen for seen, _ in pairs]), "labels": labels}


def main() -> None:
    """Train, write the result, and the seconds that it took as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the result")
    args = parser.parse_args()
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    network: Any = transformers.WhisperForConditionalGeneration.from_pretrained(args.weights, dtype=torch.float32)
    if args.freeze:
        network.freeze_encoder()
    loader = DataLoader(read(args.train, args.weights), batch_size=args.batch, shuffle=True, collate_fn=batch_of)
    trained = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=args.lr, weight_decay=0.01)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, -(-args.steps // 10), args.steps)
    network.train()
    began, step = time.perf_counter(), 0
    while step < args.steps:
        for batch in loader:
            network(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step == args.steps:
                break
    seconds = time.perf_counter() - began
    network.save_pretrained(args.out)
    (args.out / "seconds.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
