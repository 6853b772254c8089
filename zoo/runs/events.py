"""The facts a run leaves behind: one struct each, in the past tense, one JSON object a line in `events.jsonl`.

The order within one attempt is RunLaunched, RunQueued where it has to wait, RunStarted, then anything, then exactly one
of RunFinished, RunFailed, RunCancelled, and at a place RunInterrupted or RunRequeued. RunPostponed may stand before the
first.
A resumed run appends a second attempt to the same log. Readers skip what they do not know.
"""

from __future__ import annotations

from typing import Union

import msgspec

from zoo.blocks import Report
from zoo.encoding import encode_json
from zoo.metrics import report_of_confusion
from zoo.metrics.intervals import Interval
from zoo.runs.candidate import CandidateMeasured, CandidateStepped
from zoo.runs.columns import settle_columns
from zoo.runs.event import Event
from zoo.runs.source_facts import SourcePlanned, SourceResult, SourceStep
from zoo.runs.trial_figures import TrialFigures


class RunLaunched(Event, frozen=True, kw_only=True, tag="run_launched"):
    """Someone started a worker for the run, or handed it over to a place; written by whoever did."""

    attempt: int = 1
    place: str = ""
    """Name of the place; empty for this machine."""
    job: str = ""
    """What the place calls it."""


class RunPostponed(Event, frozen=True, kw_only=True, tag="run_postponed"):
    """The run is to begin when another one has finished, from whose result it goes on; written by whoever asked."""

    after: str
    """Name of the other run."""
    created_at: float = 0.0
    """When that one was asked for, which tells it from later ones of its name; 0 where nobody said it."""


class RunQueued(Event, frozen=True, kw_only=True, tag="run_queued"):
    """The run waits for an accelerator that others compute on; said again whenever its place has changed."""

    attempt: int = 1
    device: str
    """Torch device name, such as `cuda:0`."""
    place: int
    """Among the runs that wait; 1 is the next."""
    behind: str
    """The run just before it, which computes where the place is 1."""


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """A worker took the run up."""

    attempt: int = 1
    """1 at first, one more at each resume."""
    pid: int
    processes: int = 1
    device: str
    """Torch device name, such as `cpu` or `cuda:0`."""
    precision: str
    """fp32, bf16 or fp16."""
    resumed_from_step: int | None = None
    """The checkpoint that the attempt goes on from; what the log holds of later steps did not last."""
    processor: str = ""
    """Its model; empty where nobody said it."""
    threads: int | None = None
    """That compute on it, in each process; None where nobody said it."""


class WeightsFetched(Event, frozen=True, kw_only=True, tag="weights_fetched"):
    """Part of the weights arrived; the last of them has received_bytes == total_bytes."""

    received_bytes: int
    total_bytes: int | None = None
    bytes_per_s: float = 0.0


class WeightsChosen(Event, frozen=True, kw_only=True, tag="weights_chosen"):
    """The card names several sets of files for its model; the run works with this one, however often it is resumed."""

    pins: tuple[str, ...]
    """What the sha256 of each file begins with."""


class DataLoaded(Event, frozen=True, kw_only=True, tag="data_loaded"):
    """The data was read."""

    train_rows: int = 0
    eval_rows: int = 0
    rejected_rows: int = 0
    labels: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    """Names of those used, by role; none where the data have no columns of their own."""
    sha256: str = ""
    """Digest of the data file."""
    source: str = ""
    """Whose data; empty where there is one source."""
    input_column: str = ""
    """The name in `columns`, as it was written up to version 0.1; so is the next."""
    label_column: str = ""

    def __post_init__(self) -> None:
        settle_columns(self)


class InputsPrepared(Event, frozen=True, kw_only=True, tag="inputs_prepared"):
    """Inputs were decoded and kept for all epochs; the last of these has done == total."""

    done: int
    total: int
    memory_bytes: int
    """What is kept in memory."""
    memory_limit_bytes: int
    disk_bytes: int
    """What is kept on disk, below the run's folder, until the run ends."""
    disk_limit_bytes: int
    decoded_again: int = 0
    """Inputs that fit in neither; they are decoded each time they are needed."""


class TeacherAnswered(Event, frozen=True, kw_only=True, tag="teacher_answered"):
    """A teacher answered rows to train on; the last of these has done == total. Throttled."""

    model: str
    """`plugin/name` of its card."""
    done: int
    total: int
    source: str = ""
    """Whose rows; empty where there is one source."""


class PrivacyPlanned(msgspec.Struct, frozen=True, kw_only=True):
    """How little a run is to tell of any row."""

    epsilon: float
    """Its budget."""
    delta: float
    clip: float
    """Largest L2 norm of the gradient of a row, or of what a client changes in a round."""
    noise_multiplier: float
    """Standard deviation of the noise, in these norms."""
    sample_rate: float
    """Probability that a row is in a step."""
    unit: str = ""
    """The column that says whose a row is, where all rows of somebody are protected together; all that is said of a row
    above is of them then."""
    units: int = 0
    """How many there are; 0 where nobody said it."""
    rounds: int = 0
    """Rounds of clients, each of which has noise and draws clients anew; 0 where steps do."""


class RunPlanned(Event, frozen=True, kw_only=True, tag="run_planned"):
    """What the run will do is known."""

    steps: int
    """Optimizer steps."""
    epochs: float
    batch_size: int
    micro_batch_size: int
    parameters: int
    trainable_parameters: int
    """Both before `Objective.begin`, which may leave out what the data do not need."""
    lr: float
    samples_per_s: float = 0.0
    """As a dry run measures it over a few steps; 0 where nothing was measured."""
    memory_bytes: int = 0
    """Most memory in use in these steps and in one of the longest examples, likewise; of the device, or of all
    processes on a CPU."""
    memory_limit_bytes: int = 0
    """What could be in use there: what the run has, and what is free."""
    sources: tuple[SourcePlanned, ...] = ()
    """Where there are several."""
    best_by: str = ""
    """The one of several sources whose evaluations decide which weights are the best; empty where all do."""
    privacy: PrivacyPlanned | None = None
    """None where the training is not private."""
    trial: TrialFigures | None = None
    """What a dry run has measured beside the rate of its steps."""


class StepCompleted(Event, frozen=True, kw_only=True, tag="step_completed"):
    """An optimizer step is done. Throttled: losses in between are folded into the mean."""

    step: int
    """1-based optimizer step."""
    steps: int
    epoch: float
    """Passes over the training data, fractional."""
    loss: float | None
    """Mean per example since the last such event, in nats; None where it is not finite."""
    lr: float
    grad_norm: float | None
    """L2 norm of all gradients before clipping, at this step; None where it is not finite."""
    samples_per_s: float
    memory_bytes: int = 0
    """Resident memory of the worker, or memory allocated on the accelerator."""
    sources: tuple[SourceStep, ...] = ()
    """Where there are several; the loss is the mean of theirs."""
    epsilon: float | None = None
    """What a private training has spent of its budget so far; None where it is not private."""


class WrittenSample(msgspec.Struct, frozen=True):
    """What a model writes by itself."""

    prompt: str
    """The same in every evaluation of a run."""
    text: str
    """What follows it."""


class EvaluationCompleted(Event, frozen=True, kw_only=True, tag="evaluation_completed"):
    """The evaluation data was gone through."""

    step: int
    metrics: dict[str, float]
    """The primary metric of the task comes first."""
    rows: int
    best: bool = False
    """Whether the primary metric is the best so far."""
    pictures: Report = ()
    """What the model says of a few of the pictures, the same ones in every evaluation; none of other inputs."""
    sample: WrittenSample | None = None
    """None where the model writes no texts."""
    source: str = ""
    """Whose data; empty where there is one source."""


class MicroBatchHalved(Event, frozen=True, kw_only=True, tag="micro_batch_halved"):
    """Memory ran out; what did not fit was computed again, and from then on fewer examples are computed at once."""

    step: int
    """1-based step that did not fit; of an evaluation, the step that it judges."""
    micro_batch_size: int
    """Most examples that one process computes at once from now on."""
    reason: str
    """What was said of the lack."""
    evaluating: bool = False
    """Whether it was an evaluation, or the one pass of a frozen body; training is as it was."""
    source: str = ""
    """Whose examples; empty where there is one source."""


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint_saved"):
    """Everything needed to go on from this step is on disk."""

    step: int
    size_bytes: int


class ExampleRejected(Event, frozen=True, kw_only=True, tag="example_rejected"):
    """Rows were quarantined (`quarantine.jsonl` names each)."""

    file: str
    row: int
    """First row of the batch of rejections this event stands for."""
    reason: str
    name: str = ""
    """Of the file that the row is, as the data have it; empty for a row of a table."""
    total: int
    """Rejected rows so far, this one included."""
    train_rows: int = 0
    """How many of those that this event stands for had been counted among the rows to train on."""
    eval_rows: int = 0
    """Likewise, to evaluate on."""
    source: str = ""
    """Whose data; empty where there is one source."""


class PredictionsWritten(Event, frozen=True, kw_only=True, tag="predictions_written"):
    """Answers were appended to the output file and flushed to disk."""

    rows: int
    """Rows written so far, over all attempts, those rejected included."""
    rejected: int = 0
    """Of these, the rows that could not be answered."""
    total_rows: int | None = None
    samples_per_s: float = 0.0


class Noted(Event, frozen=True, kw_only=True, tag="noted"):
    """Something was chosen or found that the person may want to know; nothing is wrong."""

    message: str


class Warned(Event, frozen=True, kw_only=True, tag="warned"):
    """Something the person should know; the run goes on."""

    message: str


class RunFinished(Event, frozen=True, kw_only=True, tag="run_finished"):
    """The run reached its end."""

    metrics: dict[str, float] = {}
    """Final figures on the evaluation data, of the weights that were kept; the primary metric comes first."""
    intervals: dict[str, Interval] = {}
    """Where they lie with 95% confidence; none of those of which that is not known."""
    step: int = 0
    best_step: int | None = None
    """The step whose weights were kept."""
    report: Report = ()
    """What the evaluation reports beside its figures, such as those of each class."""
    labels: tuple[str, ...] = ()
    sources: tuple[SourceResult, ...] = ()
    """Where there were several; their metrics stand above, too, as `NAME.metric`."""
    answers: str = ""
    """Sha256 of the file of answers that a batch prediction has written."""
    calibration: str = ""
    """Digest of the calibration by which answers were corrected; empty where they were not."""


class RunFailed(Event, frozen=True, kw_only=True, tag="run_failed"):
    """The run ended in an error; the log has the traceback."""

    kind: str
    """Name of the error class."""
    message: str
    hint: str = ""


class RunCancelled(Event, frozen=True, kw_only=True, tag="run_cancelled"):
    """The run was asked to stop and did; resuming goes on from its last checkpoint."""

    step: int = 0


class RunInterrupted(Event, frozen=True, kw_only=True, tag="run_interrupted"):
    """The place that the run was handed over to ended it; resuming goes on from its last checkpoint."""

    step: int = 0
    message: str
    """Why, as far as it is known."""
    hint: str = ""
    """What to do next."""


class RunRequeued(Event, frozen=True, kw_only=True, tag="run_requeued"):
    """The time of the run at its place was over; it waits there to go on from its last checkpoint."""

    attempt: int = 0
    """That has ended; 0 where an earlier version wrote it."""
    step: int = 0


AnyEvent = Union[
    RunPostponed,
    RunLaunched,
    RunQueued,
    RunStarted,
    WeightsFetched,
    WeightsChosen,
    DataLoaded,
    InputsPrepared,
    TeacherAnswered,
    RunPlanned,
    StepCompleted,
    EvaluationCompleted,
    MicroBatchHalved,
    CheckpointSaved,
    ExampleRejected,
    PredictionsWritten,
    CandidateStepped,
    CandidateMeasured,
    Noted,
    Warned,
    RunFinished,
    RunFailed,
    RunCancelled,
    RunInterrupted,
    RunRequeued,
]

TERMINAL = (RunFinished, RunFailed, RunCancelled, RunInterrupted)

_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One line of the log, newline included."""
    return encode_json(event) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """Read one line of the log; None for a line that is half-written, malformed or of an unknown kind."""
    try:
        event = _decoder.decode(line)
        return _with_report(event, line) if isinstance(event, RunFinished) and not event.report else event
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Confusion(msgspec.Struct):
    """What logs held in the place of a report."""

    confusion: tuple[tuple[int, ...], ...] = ()


def _with_report(event: RunFinished, line: bytes) -> RunFinished:
    """The end of a run as zoo wrote it before there were reports."""
    confusion = msgspec.json.decode(line, type=_Confusion).confusion
    return msgspec.structs.replace(event, report=report_of_confusion(event.labels, confusion))
