"""Machines of one run, started by hand: on this one, each by the command that a place starts on each of several."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

import zoo
from tests.processes import popen
from zoo.catalog import Catalog
from zoo.jobs import Job, Place
from zoo.places.node import Node
from zoo.requests import request_of
from zoo.runs import launcher, liveness, ranks, store
from zoo.runs.events import RunLaunched
from zoo.runs.log import append
from zoo.runs.store import RunFolder
from zoo.sources import Source

Nodes = list["subprocess.Popen[Any]"]


def new_run(data: Path, options: Mapping[str, Any], **replaced: Any) -> zoo.Run:
    """A fine-tuning of the smallest BERT that nobody has started yet.

    Args:
        data: labelled texts.
        options: of the model.
        replaced: fields of its request.
    """
    place = Place(device="cpu", precision="fp32")
    job = Job(verb="finetune", model="bert-tiny", source=Source(data=data), place=place, options=dict(options))
    return zoo.Run(store.create(msgspec.structs.replace(request_of(job, Catalog.load()), **replaced)))


def start_nodes(folder: RunFolder, *indices: int, attempt: int = 1, join_s: float = 120, lost_s: float = 30) -> Nodes:
    """Start some nodes of an attempt at a run, which meet on the loopback."""
    ranks.forget(folder)
    append(folder, RunLaunched(attempt=attempt))
    started = []
    for index in indices:
        node = Node(index=index, meeting="127.0.0.1", join_s=join_s, lost_s=lost_s)
        environment = launcher.environment() | {"ZOO_ATTEMPT": str(attempt)} | node.variables()
        with folder.log_path.open("ab") as log:
            command = launcher.worker_command(folder)
            started.append(popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))
    liveness.record(folder, started[0].pid)
    return started
