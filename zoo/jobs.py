"""Jobs, as a person asks for them on the command line, in a form or in Python: nothing of them is checked yet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from zoo.job_paths import classes_file
from zoo.options import Option, Scalar, read
from zoo.runs.request import RunVerb
from zoo.sources import SOURCE_NAME, SOURCE_WEIGHT, Source

PROCESSES = Option(name="processes", kind="int", default=1, help="Processes on a machine.", ge=1, le=64, advanced=True)
NODES = Option(
    name="nodes",
    kind="int",
    default=0,
    help="With --on: machines that share a training, each with as many processes; 0 for as many as the place says.",
    ge=0,
    le=1024,
    advanced=True,
)
SHARD = Option(
    name="shard", kind="bool", default=False, help="Divide a large model among the processes.", advanced=True
)
SHARDS = Option(
    name="shards",
    kind="int",
    default=1,
    help="With --out: divide the rows of a large file among so many runs (with --on jobs of an array), and join their "
    "answers.",
    ge=1,
    le=10_000,
)
NOW = Option(name="now", kind="bool", default=False, help="Whether to wait for no other run.")
ON = Option(name="on", kind="str", default="", help="The place that the run is handed over to.")
REQUEUE = Option(name="requeue", kind="bool", default=False, help="Whether it goes on when that place has ended it.")
_RUN_NAME = Option(name="name", kind="str", default="", help="Of the run.")
_TASK = Option(name="task", kind="str", default="", help="What is learnt, answered or judged.")
_SHARD_OF = Option(name="shard_of", kind="str", default="", help="Which part of the rows, of how many.")
_BY = Option(name="by", kind="str", default="", help="The column whose values are told apart.")
_CALIBRATE = Option(name="calibrate", kind="bool", default=False, help="Whether probabilities are corrected.")
_TEACHER = Option(name="teacher", kind="str", default="", help="A model or a run whose answers are learnt, too.")
_SEPARATOR = Option(name="separator", kind="str", default="", help="What stands between the labels of a row.")
_MERGE_LABELS = Option(
    name="merge_labels", kind="bool", default=False, help="Whether labels that look the same are one class."
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where, how and when a job computes."""

    device: str = "auto"
    precision: str = "auto"
    processes: int = 1
    """On each machine."""
    nodes: int = 0
    """Machines that share a training; 0 for as many as its place says."""
    shard: bool = False
    """Whether a training divides its network among the processes."""
    on: str = ""
    """Name of the place that it is handed over to; empty for this machine."""
    requeue: bool = False
    """Whether it goes on by itself when that place has ended it."""
    now: bool = False
    """Whether it shares an accelerator with the runs that compute there, in the place of waiting for its turn."""

    @property
    def of_one_node(self) -> Place:
        """The same for what machines cannot share, however many its place has."""
        return msgspec.structs.replace(self, nodes=1)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for, the same from the command line, from a form and from Python; nothing of it is checked."""

    verb: RunVerb
    model: str
    source: Source
    others: tuple[Source, ...] = ()
    """What a training learns from beside it, on the same body."""
    task: str = ""
    """For which the model shall do it; needed only where it knows several."""
    place: Place = Place()
    options: dict[str, Any] = {}
    """Of the model, as given."""
    name: str = ""
    """Of the run; empty to have one made up."""
    dry_run: bool = False
    out: str | os.PathLike[str] = ""
    """The output file of a batch prediction, or where an evaluation writes what is answered wrongly, or labels in doubt
    are written."""
    format: str = ""
    """Of the output file of a batch prediction, by its name; empty where the end of the file's name says it."""
    keep: str | Sequence[str] = ()
    """Columns that a batch prediction carries along."""
    shards: int = 1
    """In how many runs the rows of a file are answered, one after the other."""
    shard_of: str = ""
    """Of a run that answers one part of the rows: which, of how many, such as 3/16."""
    draw: str | os.PathLike[str] = ""
    """The folder that a batch prediction draws its answers into."""
    shrinking: dict[str, Any] = {}
    """How a model is made smaller, as given: of `zoo.shrink_options.ShrinkOptions`."""
    auditing: dict[str, Any] = {}
    """How a model is audited, as given: of `zoo.audit_options.AuditOptions`."""
    by: str = ""
    """Column of the data whose values an evaluation tells apart."""
    calibrate: bool = False
    """Whether an evaluation corrects the probabilities of its model, and keeps that with it."""


_OUTPUT = ("out", "errors", "format", "keep", "shards", "shard_of", "draw", "by", "calibrate")
BESIDE = ("task", "name", *_OUTPUT, *Source.__struct_fields__, *Place.__struct_fields__, "sources", "others")
"""What can be said of a job beside the options of its model."""


def in_plain_types(job: Job) -> Job:
    """The job with texts and truth values as such, whatever Python gave for them; None is what was not given.

    Raises:
        OptionInvalid: one is something else.
    """

    def plain(described: Option, value: Any) -> Scalar:
        return read(described, described.default if value is None else value)

    def plain_source(source: Source) -> Source:
        columns = {role: plain(_column_option(role), name) for role, name in source.columns.items()}
        return msgspec.structs.replace(
            source,
            columns={role: name for role, name in columns.items() if name},
            separator=plain(_SEPARATOR, source.separator),
            classes=classes_file(source.classes),
            merge_labels=plain(_MERGE_LABELS, source.merge_labels),
            name=plain(SOURCE_NAME, source.name),
            weight=plain(SOURCE_WEIGHT, source.weight),
            teacher=plain(_TEACHER, source.teacher),
        )

    first, *others = map(plain_source, (job.source, *job.others))
    return msgspec.structs.replace(
        job,
        name=plain(_RUN_NAME, job.name),
        task=plain(_TASK, job.task),
        shards=plain(SHARDS, job.shards),
        shard_of=plain(_SHARD_OF, job.shard_of),
        by=plain(_BY, job.by),
        calibrate=plain(_CALIBRATE, job.calibrate),
        source=first,
        others=tuple(others),
    )


def _column_option(role: str) -> Option:
    return Option(name=role, kind="str", default="", help=f"The name of the column of the {role}.")
