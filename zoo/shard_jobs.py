"""A batch prediction in shards: from a job to the requests of the runs that answer its rows, and of the one that joins
their answers.

Here the runs follow one another. At a place each is a job, and the one that joins them waits for them on this machine.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo.catalog import Catalog
from zoo.jobs import Job
from zoo.paths import runs_folder
from zoo.places.table import check_queue
from zoo.requests import check_job
from zoo.runs import store
from zoo.runs.kept_parts import SHARDS
from zoo.runs.request import RunRequest


def shard_requests(job: Job, catalog: Catalog | None = None) -> tuple[RunRequest, ...]:
    """Check a batch prediction, and make the requests of its runs.

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
    if whole.place:
        alone = f"answer a part on each machine: --shard-of 1/N --on {whole.place}, and so on"
        check_queue(whole.place, "shards", f"{alone}; or let a scheduler such as Slurm deal the shards")
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
    joins = tuple(shard.name for shard in shards)
    return (*shards, msgspec.structs.replace(whole, name=name, joins=joins, place="", requeue=False))
