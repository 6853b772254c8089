"""From the model that was picked to the result of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from zoo import atomic
from zoo.metrics.intervals import Interval
from zoo.plurals import counted
from zoo.rendering.markdown import markdown
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate
from zoo.runs.model_card import README
from zoo.runs.overview import candidate_table
from zoo.runs.picking.entrant import Trained
from zoo.runs.result import MANIFEST
from zoo.runs.shrinking.packed import copy_linked


def publish_picked(
    worker: Worker,
    trained: Trained,
    name: str,
    metrics: Mapping[str, float],
    intervals: Mapping[str, Interval],
    words: str,
    table: Sequence[Candidate],
    *,
    chose: bool = False,
) -> None:
    """Make what a finalist has learnt the model of the run; its training stays until the run has ended.

    Args:
        worker: of the run.
        trained: the finalist.
        name: of it.
        metrics: of the test rows, where there are some.
        intervals: of these.
        words: what the tests came to.
        table: all models that took part.
        chose: whether the figures are of the rows that chose.
    """
    folder = worker.folder.model_folder
    copy_linked(trained.folder, folder)
    readme = folder / README
    rows = "test rows, which chose nothing; those above are of the rows that chose"
    if chose:
        rows = (
            f"the rows that chose it among {counted(len(table), 'trial')}, and flattered by that: others judge better"
        )
    parts = [
        readme.read_text(encoding="utf-8").rstrip(),
        f"## Why {name}\n\n{words}. The figures of this model are of {rows}.",
        markdown((candidate_table(table),)),
    ]
    atomic.write_text(readme, "\n\n".join(parts) + "\n")
    manifest = msgspec.structs.replace(
        trained.manifest,
        name=worker.folder.name,
        metrics=dict(metrics),
        intervals={metric: (one.low, one.high) for metric, one in intervals.items()},
    )
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
