"""The peer of train_text.py and gpu_peers.py: transformers' Trainer in its documented plain use; prints when its steps
ended.

With a test file, also the accuracy on it. On a CPU in fp32, unless a device and a precision come last.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)


class Clock(TrainerCallback):
    """Notes the end of every step, and its loss."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.losses: list[float] = []

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.times.append(time.time())

    def on_log(self, *args: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])


def rows_of(path: str) -> list[dict[str, str]]:
    """Of a CSV file with columns `text` and `label`."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main(
    weights: str,
    data: str,
    out: str,
    test: str,
    steps: int,
    batch: int,
    length: int,
    lr: float,
    frozen: bool,
    seed: int,
    device: str = "cpu",
    precision: str = "fp32",
) -> None:
    """Train."""
    rows = rows_of(data)
    labels = sorted({row["label"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(weights)

    def encoded(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        ids = tokenizer([row["text"] for row in rows], truncation=True, max_length=length)["input_ids"]
        return [{"input_ids": one, "labels": labels.index(row["label"])} for one, row in zip(ids, rows, strict=True)]

    items = encoded(rows)
    model = AutoModelForSequenceClassification.from_pretrained(weights, num_labels=len(labels))
    model.base_model.requires_grad_(not frozen)
    if frozen and model.bert.pooler is not None:
        model.bert.pooler.requires_grad_(True)
    clock = Clock()
    arguments = TrainingArguments(
        output_dir=out,
        per_device_train_batch_size=batch,
        learning_rate=lr,
        max_steps=steps,
        warmup_steps=steps // 10,
        lr_scheduler_type="linear",
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=device == "cpu",
        bf16=precision == "bf16",
        seed=seed,
    )
    collator = DataCollatorWithPadding(tokenizer)
    trainer = Trainer(model=model, args=arguments, train_dataset=items, data_collator=collator, callbacks=[clock])
    began = time.time()
    trainer.train()
    report: dict[str, Any] = {"began": began, "times": clock.times, "losses": clock.losses}
    if test:
        answers = trainer.predict(encoded(rows_of(test)))
        report["accuracy"] = float((answers.predictions.argmax(-1) == answers.label_ids).mean())
    print(json.dumps(report))


if __name__ == "__main__":
    weights, data, out, test, steps, batch, length, lr, frozen, seed, *place = sys.argv[1:]
    numbers = (int(steps), int(batch), int(length), float(lr), frozen == "1", int(seed))
    main(weights, data, out, test, *numbers, *place)
