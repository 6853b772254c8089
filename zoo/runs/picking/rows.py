"""The rows of a run that takes one of several models: to learn from, to choose by, to judge by once, in the end."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence

from zoo.data import Dataset, split
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.enough_rows import check_choosing
from zoo.hyperparameters import DataOptions
from zoo.kinds import TargetKind
from zoo.pick_options import PickOptions
from zoo.runs.attempt import Worker
from zoo.runs.training_data import TrainingData, load_training_data
from zoo.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class PickRows:
    """What models are chosen by."""

    data: TrainingData
    """To learn from, those of the beginning being a sample of all; what is evaluated on chooses."""
    test: tuple[Example, ...]
    """These choose nothing; none where nothing is judged by rows that chose nothing."""
    nested: tuple[Example, ...] | None = None
    """Those to learn from in the order in which fewer of them are a sample of all; None where that is their order."""

    def first(self, rows: int) -> TrainingData:
        """The same with fewer rows to learn from, all of which are among those of any larger number."""
        if rows >= len(self.data.train):
            return self.data
        return dataclasses.replace(self.data, train=(self.nested or self.data.train)[:rows])


def load_rows(worker: Worker, task: Task, options: PickOptions) -> PickRows:
    """Read the data, and divide them.

    Raises:
        DatasetInvalid: there are too few.
    """
    usual = DataOptions(seed=options.seed, eval_share=options.test_share)
    data = load_training_data(worker, task, usual, {})
    rest = Dataset(path=worker.request.data.path, examples=data.train, columns=data.columns)
    train, validation = split(rest, options.validation_share, options.seed, target=task.target)
    check_choosing(len(data.eval), len(validation))
    ordered = in_nested_order(train, task.target, options.seed)
    return PickRows(dataclasses.replace(data, train=ordered, eval=validation), data.eval)


def in_nested_order(examples: Sequence[Example], target: TargetKind | None, seed: int) -> tuple[Example, ...]:
    """Examples in an order in which the first of them, however many, are a sample of all, each label in its share."""
    strata = target.strata([one.target for one in examples]) if target else [None] * len(examples)
    of_stratum: dict[Hashable, list[tuple[bytes, int]]] = defaultdict(list)
    for place, (stratum, example) in enumerate(zip(strata, examples, strict=True)):
        drawn = hashlib.blake2b(input_key(example), key=f"pick {seed}".encode(), digest_size=12).digest()
        of_stratum[stratum].append((drawn, place))
    order = [
        (number / len(drawn), key, place)
        for drawn in of_stratum.values()
        for number, (key, place) in enumerate(sorted(drawn))
    ]
    return tuple(examples[place] for _, _, place in sorted(order))
