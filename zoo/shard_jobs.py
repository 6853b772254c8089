"""A batch prediction in shards: from a job to the requests of the runs that answer its rows, and of the one that joins
their answers.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo.catalog import Catalog
from zoo.jobs import Job
from zoo.paths import runs_folder
from zoo.requests import check_job
from zoo.runs import store
from zoo.runs.kept_parts import SHARDS
from zoo.runs.request import RunRequest


def shard_requests(job: Job, catalog: Catalog | None = None) -> tuple[RunRequest, ...]:
    """Check a batch prediction, and make the requests of its runs, each of which begins after the one before.

    Args:
        job: what is asked for.
        catalog: all models, where they are loaded already.

    Returns:
        The request of the only run; or those of the shards, in the order of their rows, and of the run that joins them.

    Raises:
        ZooError: the model, its options, the data, the output or the device cannot serve.
    """
    whole, _, ranges = check_job(job, catalog)
    if not ranges:
        return (whole,)
    name = whole.name or store.unused_name(whole)
    folder, suffix = runs_folder() / name / SHARDS, Path(whole.out).suffix
    shards = [
        msgspec.structs.replace(
            whole,
            name=f"{name}-shard-{number}",
            out=str(folder / f"{number}{suffix}"),
            data=msgspec.structs.replace(whole.data, part=part, rows=part.rows),
            joined_by=name,
        )
        for number, part in enumerate(ranges, start=1)
    ]
    return (*shards, msgspec.structs.replace(whole, name=name, joins=tuple(shard.name for shard in shards)))
