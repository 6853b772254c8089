"""How a model would learn a row of data, seen before any run: its plugin is asked in this process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from zoo.ability_options import option_set
from zoo.blocks import Report
from zoo.card import Card, Verb
from zoo.data.example import Example
from zoo.fetch import locate
from zoo.plugins import load_plugin
from zoo.runs.context import TrainingRun
from zoo.tasks import get_task

ROWS = 64
"""Of which a model that starts from nothing may learn its vocabulary."""


def learnt_row(card: Card, verb: Verb, task: str, examples: Sequence[Example]) -> Report:
    """The first of some rows as a training with the usual options learns it, in blocks.

    Args:
        card: of the model.
        verb: how it is trained.
        task: for what.
        examples: of the data.

    Returns:
        Nothing where the data show all of it, or where the weights of the model are not on this machine.

    Raises:
        ZooError: the model cannot learn it; saying why.
    """
    target = get_task(task).target
    weights = locate(card.weights) if card.weights else None
    if not (target and target.learnt_in_part and examples) or (card.weights and weights is None):
        return ()
    with tempfile.TemporaryDirectory() as folder:
        run = TrainingRun(
            card=card,
            task=get_task(task),
            weights=weights,
            train=tuple(examples[:ROWS]),
            eval=(),
            labels=(),
            options=option_set(card.ability(verb, task))(),
            device="cpu",
            precision="fp32",
            folder=Path(folder),
            dry_run=True,
            emit=lambda event: None,
            should_stop=lambda: False,
        )
        trainable = load_plugin(card.plugin).hook(verb)(run=run)
        preview = getattr(trainable, "preview", None)
        return preview(examples[0]) if preview else ()
