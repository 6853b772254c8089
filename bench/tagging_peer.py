"""The peer of train_entities.py: transformers' Trainer on words and tags, in its documented plain use (`run_ner.py`).

The first piece of each word is labelled, the weights of the epoch that is best on the second file answer the third.
Prints when its steps ended, and the tags of every word of the third file; words beyond the limit are outside.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from train_entities import Sentence, f1_of, read_conll
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

IGNORED = -100


class Clock(TrainerCallback):
    """Notes the end of every step, epoch by epoch."""

    def __init__(self) -> None:
        self.epochs: list[list[float]] = []

    def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None:
        self.epochs.append([])

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.epochs[-1].append(time.time())


def main(weights: str, data: str, out: str, epochs: int, batch: int, length: int, lr: float, seed: int) -> None:
    """Train, and print."""
    train, dev, test = (read_conll(Path(data) / f"{part}.conll") for part in ("train", "dev", "test"))
    tags = sorted({tag for words in train for _, tag in words})
    tokenizer = AutoTokenizer.from_pretrained(weights)

    def encoded(sentences: list[Sentence]) -> list[dict[str, Any]]:
        items = []
        for words in sentences:
            one = tokenizer([word for word, _ in words], is_split_into_words=True, truncation=True, max_length=length)
            numbers = one.word_ids()
            labels = [
                IGNORED if number is None or number == before else tags.index(words[number][1])
                for number, before in zip(numbers, [None, *numbers], strict=False)
            ]
            items.append({"input_ids": one["input_ids"], "attention_mask": one["attention_mask"], "labels": labels})
        return items

    def named(predictions: Any, labels: Any) -> list[list[str]]:
        best = np.asarray(predictions).argmax(-1)
        return [
            [tags[tag] for tag, label in zip(row, true, strict=True) if label != IGNORED]
            for row, true in zip(best, labels, strict=True)
        ]

    clock = Clock()
    steps = epochs * -(-len(train) // batch)
    arguments = TrainingArguments(
        output_dir=out,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=64,
        learning_rate=lr,
        num_train_epochs=epochs,
        warmup_steps=steps // 10,
        lr_scheduler_type="linear",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="f1",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=seed,
    )
    trainer = Trainer(
        model=AutoModelForTokenClassification.from_pretrained(
            weights, num_labels=len(tags), id2label=dict(enumerate(tags))
        ),
        args=arguments,
        train_dataset=encoded(train),
        eval_dataset=encoded(dev),
        data_collator=DataCollatorForTokenClassification(tokenizer),
        compute_metrics=lambda one: {"f1": f1_of(dev, named(one.predictions, one.label_ids))},
        callbacks=[clock],
    )
    trainer.train()
    trainer.compute_metrics = None  # of the second file
    answers = trainer.predict(encoded(test))
    print(json.dumps({"epochs": clock.epochs, "tags": named(answers.predictions, answers.label_ids)}))


if __name__ == "__main__":
    weights, data, out, epochs, batch, length, lr, seed = sys.argv[1:]
    main(weights, data, out, int(epochs), int(batch), int(length), float(lr), int(seed))
