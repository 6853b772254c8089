"""What a run was asked to do: the content of `run.json`, written once, never changed."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo.plurals import counted
from zoo.row_range import RowRange
from zoo.runs.columns import settle_columns
from zoo.sites.messages import Terms

RunVerb = Literal[
    "pretrain", "finetune", "federate", "evaluate", "audit", "inspect", "curve", "predict", "shrink", "pick", "sweep"
]
TRAINING: tuple[RunVerb, ...] = ("pretrain", "finetune", "federate")
HOLDING_OUT: tuple[RunVerb, ...] = (*TRAINING, "pick", "sweep")
"""Verbs whose runs judge by a share of their data, where no other data are named for that."""
MAKING_MODELS: tuple[RunVerb, ...] = (*TRAINING, "shrink", "pick", "sweep")
"""Verbs whose runs leave a model."""


class DataRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data a run works on."""

    path: str
    """Absolute path of a file or folder."""
    sha256: str = ""
    """Digest of the file when the run was asked for; a resumed run insists on the same bytes."""
    eval_path: str = ""
    """Absolute path; empty where a share of `path` is held out."""
    eval_sha256: str = ""
    columns: dict[str, str] = {}
    """Names of columns by role, as they were asked for; those of other roles are found by their usual names."""
    separator: str = ""
    """What stands between the labels of a text that holds several; empty for the usual ones."""
    classes: str = ""
    """Absolute path of a file that says which class each value is; empty where none was named."""
    merge_labels: bool = False
    """Whether labels that look the same are one class."""
    rows: int | None = None
    """How many there are for a batch prediction, where they were counted."""
    part: RowRange | None = None
    """Those of them that it answers; None for all."""
    stamp: tuple[int, int] | None = None
    """Size and time of modification of the file, see `zoo.data.stamp`: while both are the same, whoever reads a part of
    it need not read all of it for its digest."""
    input_column: str = ""
    """The name in `columns`, as it was written up to version 0.1; so is the next."""
    label_column: str = ""

    def __post_init__(self) -> None:
        settle_columns(self)

    def moved(self, before: Path, after: Path) -> DataRequest:
        """The same data where the folder that had them, or may have, is now."""
        paths = {name: _there(getattr(self, name), before, after) for name in ("path", "eval_path", "classes")}
        return msgspec.structs.replace(self, **paths)


def _there(path: str, before: Path, after: Path) -> str:
    """A path where the folder is now that it may be in; another text stays as it is."""
    return str(after / Path(path).relative_to(before)) if path and Path(path).is_relative_to(before) else path


class TeacherRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose answers a training learns from."""

    model: str
    """`plugin/name` of its card."""
    plugin: str
    labels: tuple[str, ...] = ()
    """That it tells apart."""
    digest: str
    """Of its weights when the run was asked for; a resumed run insists on the same."""
    version: str = ""
    """Of its plugin then: what another version answered is not taken for its own; empty where nobody said it."""
    labelled: bool = True
    """Whether the data have targets of their own; otherwise its answers are the targets."""
    untargeted_rows: int = 0
    """Rows of such data that have none, and are learnt from its answers alone."""
    share: float = 0.5
    """Of its answers in the loss."""
    temperature: float = 2.0


class SourceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the sources of a run that learns from several."""

    name: str
    """Names its head, its figures and its data wherever they are told apart."""
    verb: Literal["pretrain", "finetune"]
    """Which of the model's abilities it is learnt by."""
    task: str
    task_reason: str = ""
    """Why this task, in one line; empty where it was asked for, or there is no other."""
    data: DataRequest
    weight: float = 1.0
    """Of its mean loss in the sum that is minimised."""
    options: dict[str, Any] = {}
    """Plain values of the ability's option set, defaults included."""
    teacher: TeacherRequest | None = None
    """Whose answers it is learnt from, too."""


class ClientRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of those that learn a model together and keep their data."""

    name: str
    """Names its figures and its data wherever they are told apart."""
    data: DataRequest
    value: str = ""
    """Its rows are those that have this in the column that tells clients apart; empty where all are its own."""


class ServingRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a run serves clients that are elsewhere."""

    clients: tuple[str, ...]
    """Their names."""
    address: str
    """Where it listens."""
    certificate: str = ""
    """Absolute path; empty for the one that is made for the run."""
    key: str = ""
    """Absolute path of the key to it."""
    labels: tuple[str, ...] = ()
    """All that there may be, in the order of the outputs."""
    digest: str
    """Of the weights that the model begins with."""
    options: dict[str, Any] = {}
    """Plain values of `zoo.sites.options.ServingOptions`."""


class JoiningRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a run takes part in a federation that is elsewhere."""

    address: str
    """Of the server, as it is called."""
    fingerprint: str = ""
    """Of its certificate; empty where an authority of this machine vouches for it."""
    terms: Terms
    """What is learnt together, as the server told it when the run was asked for."""


class FederationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run is over that learns from clients which keep their data."""

    clients: tuple[ClientRequest, ...] = ()
    """Those whose data are on this machine."""
    by: str = ""
    """The column that tells the rows of clients apart; empty where each has data of its own."""
    options: dict[str, Any] = {}
    """Plain values of `zoo.FederationOptions`."""
    serving: ServingRequest | None = None
    """Of a run whose clients are elsewhere."""
    joining: JoiningRequest | None = None
    """Of a run that is a client itself."""

    @property
    def client_count(self) -> int:
        """How many learn together, as far as it is known here."""
        return len(self.serving.clients) if self.serving else len(self.clients)

    def with_data(self, change: Callable[[DataRequest], DataRequest]) -> FederationRequest:
        """The same clients on other data.

        Args:
            change: what becomes of the data of each.
        """
        clients = (msgspec.structs.replace(one, data=change(one.data)) for one in self.clients)
        return msgspec.structs.replace(self, clients=tuple(clients))


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a run does."""

    name: str
    """Name of the run and of its folder."""
    verb: RunVerb
    model: str
    """`plugin/name` of the card, or the name of an earlier run; of those that one is picked from, the largest."""
    plugin: str
    wrappers: tuple[str, ...] | None = None
    """Names of the other plugins whose wrapper hooks surround those of `plugin`; None, as it was up to version 0.1, for
    all that are installed."""
    task: str
    task_reason: str = ""
    """Why this task, in one line; empty where it was asked for, or there is no other."""
    data: DataRequest
    options: dict[str, Any] = {}
    """Plain values of the verb's option set, defaults included."""
    teacher: TeacherRequest | None = None
    """Whose answers a training with one source learns from, too."""
    sources: tuple[SourceRequest, ...] = ()
    """What a training learns from, where that is more than one thing; task, data and options above are then those of
    the first that has targets."""
    mixing: dict[str, Any] = {}
    """How several are mixed: plain values of `zoo.MixingOptions`."""
    shrinking: dict[str, Any] = {}
    """How a model is made smaller: plain values of `zoo.shrink_options.ShrinkOptions`."""
    picking: dict[str, Any] = {}
    """How one of several models is picked: plain values of `zoo.pick_options.PickOptions`."""
    sweeping: dict[str, Any] = {}
    """How one of several trainings is taken: plain values of `zoo.sweep_options.SweepOptions`."""
    vary: dict[str, Any] = {}
    """What these trainings differ in: options by name, each with a list of values, or with low, high and scale."""
    auditing: dict[str, Any] = {}
    """How a model is audited: plain values of `zoo.audit_options.AuditOptions`."""
    own_rows: bool = False
    """Whether an audit looks for the rows that the model's run has learnt from: the data are those of that run."""
    students: tuple[StudentRequest, ...] = ()
    """Networks that are trained to be judged: beside the smaller forms of the model itself, or to take one of them."""
    federation: FederationRequest | None = None
    """Of a run over clients that keep their data; task and options above are those of all, and the data are where their
    data are."""
    changed_options: dict[str, Any] = {}
    """Options of a training, of all its sources and of how these are mixed, that are not as they usually are."""
    head: str = ""
    """Name of what is learnt, where it becomes one of the heads of a result; empty where it is the result."""
    new_heads: bool = False
    """Whether what is learnt begins at the body of a head alone: what that head learnt from decides nothing."""
    kept: tuple[SourceRequest, ...] = ()
    """The other heads of that result, which come along as they are: what they were learnt from."""
    device: str = "cpu"
    """The device chosen, as torch names it."""
    precision: str = "fp32"
    device_reason: str = ""
    """Why that device and precision, in one line."""
    requested_device: str = msgspec.field(default="auto", name="device_asked")
    requested_precision: str = msgspec.field(default="auto", name="precision_asked")
    processes: int = 1
    """On each machine."""
    nodes: int = 1
    """Machines that share a training."""
    shard: bool = False
    """Whether a training divides its network among the processes, rather than having it whole in each."""
    place: str = ""
    """Name of the place that it is handed over to; empty for this machine."""
    requeue: bool = False
    """Whether it goes on by itself when the place has ended it, or its node has died."""
    out: str = ""
    """Absolute path of the file that the answers of a batch prediction go to, or the wrong answers of an evaluation, or
    labels in doubt."""
    format: str = ""
    """The format of that file by its name; empty where the end of its name says it."""
    keep: tuple[str, ...] = ()
    """Columns of the data that a batch prediction carries along into its output."""
    joins: tuple[str, ...] = ()
    """Names of the runs whose answers a batch prediction joins into one file, in that order."""
    joined_by: str = ""
    """Name of the run that joins its answers with those of others; empty where none does."""
    draw: str = ""
    """Absolute path of the folder that the answers of a batch prediction are drawn into; empty where they are not."""
    by: str = ""
    """Column of the data whose values an evaluation tells apart; empty where it does not."""
    calibrate: bool = False
    """Whether an evaluation corrects the probabilities of its model by the data, and keeps that with the model."""
    dry_run: bool = False
    """Build everything, say what would be done, do nothing."""
    replays: str = ""
    """Name of the run that it does again; empty for one that does something new."""
    private_before: bool | None = None
    """Whether a model that it begins or learns from learnt privately, or comes from one that did; None where nobody
    wrote it down. See `zoo.runs.private_rows`."""
    weights_digest: str = ""
    """Of the weights that it begins with; empty where there are none yet, or nobody said it."""
    created_at: float = 0.0
    """Unix time in seconds."""
    versions: dict[str, str] = {}
    """Distribution name to version, for all that matters to the result."""
    v: int = 1

    @property
    def world_size(self) -> int:
        """Processes on all machines."""
        return self.processes * self.nodes

    @property
    def is_private(self) -> bool:
        """Whether a training protects its rows, as `TrainingRun.is_private`."""
        return any(options.get("private") for options in (self.options, *(source.options for source in self.sources)))

    @property
    def subject(self) -> str:
        """What a run is about, as it is shown: its model, or how many it picks from."""
        if self.verb == "sweep":
            return f"{counted(len(self.students), 'trial')} of {self.model}"
        return f"one of {len(self.students)} models" if self.verb == "pick" else self.model

    @property
    def data_place(self) -> str:
        """Where the data are, as it is shown: a path, or who has them."""
        serving = self.federation.serving if self.federation else None
        return self.data.path or (f"the data of {', '.join(serving.clients)}" if serving else "")

    def of_source(self, source: SourceRequest) -> RunRequest:
        """What would have been asked for, were one of its sources the only one."""
        return msgspec.structs.replace(
            self,
            verb=source.verb,
            task=source.task,
            task_reason=source.task_reason,
            data=source.data,
            options=source.options,
            teacher=source.teacher,
            sources=(),
        )

    def of_client(self, client: ClientRequest) -> RunRequest:
        """What would have been asked for, were one of its clients alone."""
        return msgspec.structs.replace(self, verb="finetune", data=client.data, federation=None)

    def with_data(self, change: Callable[[DataRequest], DataRequest]) -> RunRequest:
        """The same on other data.

        Args:
            change: what becomes of each of its data.
        """
        sources = (msgspec.structs.replace(one, data=change(one.data)) for one in self.sources)
        return msgspec.structs.replace(
            self,
            data=change(self.data),
            sources=tuple(sources),
            federation=self.federation and self.federation.with_data(change),
            students=tuple(one.with_data(change) for one in self.students),
        )

    @property
    def all_data(self) -> tuple[DataRequest, ...]:
        """Its data, and those of its sources, its clients and the trainings within it."""
        found: list[DataRequest] = []

        def note(data: DataRequest) -> DataRequest:
            found.append(data)
            return data

        self.with_data(note)
        return tuple(found)

    @property
    def files(self) -> tuple[str, ...]:
        """Absolute paths of all files and folders that it reads or writes beside its own folder."""
        trainings = (one.training.options for one in self.students)
        options = (self.options, self.shrinking, *(one.options for one in self.sources), *trainings)
        texts = (value for one in options for value in one.values() if isinstance(value, str))
        named = (text for text in texts if text.strip("/\\"))  # a slash alone is a mark of some kind
        of_options = (text for text in named if os.path.isabs(text) and os.path.exists(text))  # noqa: PTH110, PTH117
        apart = self.federation and self.federation.clients and not self.federation.by
        data = self.all_data[1:] if apart else self.all_data  # the first is the folder that all clients' data are below
        of_data = (path for one in data for path in (one.path, one.eval_path, one.classes))
        paths = (*of_data, *of_options, self.out, self.draw)
        return tuple(dict.fromkeys(filter(None, paths)))

    @property
    def without_digests(self) -> RunRequest:
        """The same without what would tell whether a row is among its data: the digests of these."""
        return self.with_data(lambda data: msgspec.structs.replace(data, sha256="", eval_sha256=""))

    @property
    def without_clients(self) -> RunRequest:
        """The same without who learns together."""
        federation = self.federation and msgspec.structs.replace(self.federation, clients=())
        return msgspec.structs.replace(self, federation=federation)

    def moved(self, before: Path, after: Path) -> RunRequest:
        """The same where a folder is now that has, or may have, its data, files of its options, or what it writes."""

        def options_there(options: dict[str, Any]) -> dict[str, Any]:
            return {name: _there(one, before, after) if isinstance(one, str) else one for name, one in options.items()}

        return msgspec.structs.replace(
            self.with_data(lambda data: data.moved(before, after)),
            options=options_there(self.options),
            shrinking=options_there(self.shrinking),
            sources=tuple(
                msgspec.structs.replace(one, data=one.data.moved(before, after), options=options_there(one.options))
                for one in self.sources
            ),
            students=tuple(
                msgspec.structs.replace(one, training=one.training.moved(before, after)) for one in self.students
            ),
            out=_there(self.out, before, after),
            draw=_there(self.draw, before, after),
        )


class StudentRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A network that is trained in the course of a run: to answer as a larger one does, or to be taken as the best."""

    name: str
    """Of the candidate that it is."""
    training: RunRequest
    """Its fine-tuning, with the larger one as the teacher."""
    prune: float = 0.0
    """Share of each layer of the larger one that is taken out before; 0 where another network is trained."""
    settings: dict[str, Any] = {}
    """Options in which it differs from the other trials of a sweep, by name."""

    def with_data(self, change: Callable[[DataRequest], DataRequest]) -> StudentRequest:
        """The same on other data; see `RunRequest.with_data`."""
        return msgspec.structs.replace(self, training=self.training.with_data(change))
