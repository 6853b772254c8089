"""The peer of train_text.py: transformers' Trainer in its documented plain use; prints when its steps ended."""

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


def main(weights: str, data: str, out: str, steps: int, batch: int, length: int, lr: float, frozen: bool) -> None:
    """Train."""
    with Path(data).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = sorted({row["label"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(weights)
    encoded = tokenizer([row["text"] for row in rows], truncation=True, max_length=length)["input_ids"]
    items = [{"input_ids": ids, "labels": labels.index(row["label"])} for ids, row in zip(encoded, rows, strict=True)]
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
        use_cpu=True,
        seed=42,
    )
    collator = DataCollatorWithPadding(tokenizer)
    trainer = Trainer(model=model, args=arguments, train_dataset=items, data_collator=collator, callbacks=[clock])
    began = time.time()
    trainer.train()
    print(json.dumps({"began": began, "times": clock.times, "losses": clock.losses}))


if __name__ == "__main__":
    weights, data, out, *numbers = sys.argv[1:]
    main(weights, data, out, int(numbers[0]), int(numbers[1]), int(numbers[2]), float(numbers[3]), numbers[4] == "1")
