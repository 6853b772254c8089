"""A wrapper hook: it surrounds the `finetune` of whichever plugin owns the model, and notes how long its fit took."""

import json
import time
from collections.abc import Generator

import zoo


@zoo.hookimpl(wrapper=True)
def finetune(run: zoo.TrainingRun) -> Generator[None, zoo.Trainable, zoo.Trainable]:
    trainable = yield
    return Timed(trainable)


class Timed:
    """Fits what it is given; a tracker would log metrics and parameters in the same place."""

    def __init__(self, trainable: zoo.Trainable) -> None:
        self.trainable = trainable

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        began = time.monotonic()
        result = self.trainable.fit(run)
        if run.rank == 0 and not run.dry_run:
            line = {"model": run.card.name, "seconds": round(time.monotonic() - began, 3), "metrics": result.metrics}
            with (run.folder / "stopwatch.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return result
