"""zoo from Python: the same verbs as on the command line.

model = zoo.load("all-minilm-l6-v2")
model.predict(["a sentence"])

run = zoo.finetune("all-minilm-l6-v2", data="train.csv", epochs=3)
run.wait()
run.metrics
run.model.predict(["another sentence"])
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from zoo.blocks import Report
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.data.expansion import input_list
from zoo.errors import RunCancelled, RunFailed, UnknownModel, Unsupported
from zoo.requests import Job, Place, Source, check_name, request_of, written_data
from zoo.runs import control, status, store
from zoo.runs.events import AnyEvent
from zoo.runs.launcher import launch
from zoo.runs.log import follow, read_events
from zoo.runs.mistakes import Mistake, read_mistakes
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot, apply
from zoo.runs.store import RunFolder

if TYPE_CHECKING:
    from zoo.fetch import Progress
    from zoo.prediction import Prediction
    from zoo.runs.context import Predictor


def models(words: str = "", *, task: str = "", plugin: str = "", local: bool = False) -> tuple[Card, ...]:
    """The models there are: those of all plugins, and the results of your own runs.

    Args:
        words: each must occur somewhere in the card.
        task: what the model can be used or trained for, by its Hugging Face pipeline name.
        plugin: the plugin that owns it.
        local: only those whose weights are on this machine.
    """
    return Catalog.load().search(words, task=task, plugin=plugin, local=local)


@dataclass(frozen=True)
class Model:
    """A model that is loaded into this process and answers."""

    card: Card
    device: str
    """As torch names it."""
    precision: str
    predictor: Predictor

    @property
    def labels(self) -> tuple[str, ...]:
        """What a classifier tells apart; empty for other models."""
        return self.card.labels

    @overload
    def predict(self, inputs: str | os.PathLike[str]) -> Prediction: ...
    @overload
    def predict(self, inputs: Iterable[Any]) -> list[Prediction]: ...
    @overload
    def predict(self, inputs: Any) -> Prediction: ...
    def predict(self, inputs: Any) -> Prediction | list[Prediction]:
        """Answer one input, or several in order; one that cannot be read becomes `Rejected` in its place.

        An input is a text; or the path of an image, a PIL image, or an array of uint8 (see `zoo.read_image`). Several
        are anything that can be iterated: a list, a generator, a column of a data frame, an array of texts, or an
        array of images of shape (count, height, width, channels).

        Raises:
            OptionInvalid: a whole data frame or a mapping, of which it is not known what to answer.
        """
        several = input_list(inputs)
        return self.predictor.predict([inputs])[0] if several is None else self.predictor.predict(several)


def load(
    name: str,
    *,
    task: str = "",
    device: str = "auto",
    precision: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Model:
    """Load a model into this process, fetching its weights if they are not here.

    Args:
        name: of a card or of a finished run.
        task: what it shall answer; needed only where it knows several.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16, fp16 or int8.
        on_progress: told how a download goes.
        **options: of the model's predict ability.

    Raises:
        UnknownModel: there is none of that name.
        Unsupported: it has nothing to predict with.
        DownloadFailed: its weights cannot be had.
    """
    return _load_card(Catalog.load().resolve(name), device, precision, on_progress, options, task=task)


def _load_card(
    card: Card,
    device: str = "auto",
    precision: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    task: str = "",
) -> Model:
    from zoo.devices import choose
    from zoo.fetch import fetch
    from zoo.options import parse
    from zoo.plugins import load_plugin
    from zoo.runs.context import PredictionRun
    from zoo.runs.hooks import load_predictor
    from zoo.tasks import get_task

    if card.weights is None or not card.tasks_of("predict"):
        raise Unsupported(
            f"{card.name} has learnt nothing to predict with yet", f"train it: zoo finetune {card.name} --data FILE"
        )
    ability = card.ability("predict", task)
    parsed = parse(ability.options, options or {}, beside=load.__kwdefaults__ or ())
    placement = choose(device, precision, known=ability.precisions)
    ability.check_precision(placement.precision)
    run = PredictionRun(
        card=card,
        task=get_task(ability.task),
        weights=fetch(card.weights, on_progress=on_progress),
        options=parsed,
        device=placement.device,
        precision=placement.precision,
    )
    predictor = load_predictor(load_plugin(card.plugin), run)
    return Model(card, placement.device, placement.precision, predictor)


@dataclass(frozen=True)
class Run:
    """A job in a worker process of its own; it goes on when this process ends."""

    folder: RunFolder

    @property
    def name(self) -> str:
        """Name of the run, and of the model that comes of it."""
        return self.folder.name

    @property
    def snapshot(self) -> RunSnapshot:
        """What is known of the run right now."""
        return status.read(self.folder)

    @property
    def status(self) -> str:
        """created, starting, running, finished, failed, cancelled or crashed."""
        return self.snapshot.status

    @property
    def metrics(self) -> dict[str, float]:
        """Final metrics, or those of the newest evaluation."""
        return self.snapshot.latest_metrics

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The rows held out, or evaluated on, that were answered wrongly, the most confident answer first."""
        return tuple(read_mistakes(self.folder))

    @property
    def report(self) -> Report:
        """What the final evaluation tells beside its figures: of a classifier each class, and the confusion matrix."""
        return self.snapshot.report

    def _repr_html_(self) -> str:
        """The run as a notebook shows it."""
        from zoo.rendering.html import html
        from zoo.runs.overview import overview

        return html(overview(self.folder.request, self.snapshot))

    @cached_property
    def model(self) -> Model:
        """The result, loaded into this process once.

        Raises:
            Unsupported: the run has not finished, or is of a kind that makes no model.
            UnknownModel: its result cannot be read, or its plugin is gone.
        """
        request, ended_as = self.folder.request, self.snapshot
        if request.verb not in ("pretrain", "finetune"):
            raise Unsupported(f"run {self.name} makes no model: it is there to {request.verb}", f"use {request.model}")
        if ended_as.status != "finished":
            hint = "wait for its end: run.wait()" if ended_as.live else f"go on with it: zoo resume {self.name}"
            raise Unsupported(f"run {self.name} is {ended_as.status} and has no model yet", hint)
        # By the whole name: the beginning of a name could be that of another run's model.
        whole_name = f"{request.plugin}/{self.name}"
        card = next((card for card in Catalog.load().cards if card.full_name == whole_name), None)
        if card is None:
            raise UnknownModel(f"the result of run {self.name} cannot be used", "zoo ls and zoo plugins tell why")
        return _load_card(card)

    def events(self) -> tuple[AnyEvent, ...]:
        """Everything that has happened."""
        return tuple(read_events(self.folder)[0])

    def logs(self) -> str:
        """What the worker printed; may hold control sequences."""
        path = self.folder.log_path
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def watch(self) -> Iterator[RunSnapshot]:
        """Yield a snapshot after every event, and several times a second, until the attempt has ended."""
        snapshot = RunSnapshot()
        for event in follow(self.folder):
            if event is not None:
                snapshot = apply(snapshot, event)
            yield snapshot
        yield self.snapshot

    def wait(self, timeout_s: float | None = None, *, progress: bool | None = None) -> Run:
        """Wait for the end of the run, showing how it goes in a notebook or a terminal.

        Args:
            timeout_s: how long; None waits for ever.
            progress: whether to show it; None shows it where someone is looking.

        Raises:
            RunFailed: it failed, or its worker died.
            RunCancelled: it was stopped.
            TimeoutError: it is still going on.
        """
        from zoo.progress import progress_display

        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with progress_display(progress) as show:
            for snapshot in self.watch():
                show(snapshot)
                if deadline is not None and snapshot.live and time.monotonic() > deadline:
                    raise TimeoutError(f"run {self.name} is still going on after {timeout_s} s")
        last = self.snapshot
        if last.status == "cancelled":
            raise RunCancelled(f"run {self.name} was stopped at step {last.step}", f"zoo resume {self.name}")
        if last.status != "finished":
            raise RunFailed(f"run {self.name}: {last.error}", last.hint)
        return self

    def stop(self, *, force: bool = False) -> None:
        """Stop the run: it writes a checkpoint and ends; with `force` it is killed."""
        control.stop(self.folder, force=force)

    def resume(self) -> Run:
        """Go on from the last checkpoint."""
        control.resume(self.folder)
        return self

    def rename(self, name: str) -> Run:
        """Call the run, and the model that came of it, by another name; this object goes on meaning the old one.

        Raises:
            OptionInvalid: the name is not one, or is taken by a run or a model.
            Unsupported: the run is still going.
        """
        check_name(name, Catalog.load().cards)
        return Run(control.rename(self.folder, name))

    def remove(self) -> None:
        """Delete the run and its result."""
        control.remove(self.folder)


def finetune(
    model: str,
    data: Any,
    *,
    task: str = "",
    eval_data: Any = None,
    input: str = "",
    label: str = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    processes: int = 1,
    **options: Any,
) -> Run:
    """Fine-tune a model on labelled data, in a worker process.

    Args:
        model: name of a card or of a finished run.
        data: a CSV, TSV, JSON or Parquet file, or a folder of images in class folders; or what Python holds: a data
            frame of pandas or polars, a `datasets.Dataset`, a dict of columns, a list of dicts or of pairs. Such data
            are written to the run's folder.
        task: what the result shall do; needed only where the model can be fine-tuned for several.
        eval_data: what to evaluate on; without it the `val` folder beside `train` is taken, or a share of the rows is
            held out (`eval_share`).
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        merge_labels: whether labels that differ only in case, blanks, invisible characters or Unicode form are one
            class, under the name of the most frequent.
        name: of the run and of the model that comes of it.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        processes: on this machine.
        **options: of the model; `zoo show MODEL` lists them.

    Raises:
        ZooError: whatever can be told to be wrong before the worker starts.
    """
    source = Source(data=data, eval_data=eval_data, input=input, label=label, merge_labels=merge_labels)
    place = Place(device=device, precision=precision, processes=processes)
    return start_job(
        Job(verb="finetune", model=model, task=task, source=source, place=place, options=options, name=name)
    )


def pretrain(
    model: str,
    data: Any,
    *,
    task: str = "",
    eval_data: Any = None,
    input: str = "",
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    processes: int = 1,
    **options: Any,
) -> Run:
    """Pretrain a model on unlabelled data, in a worker process; arguments as for `finetune`.

    `data` may also be a text file, one example a line.
    """
    source = Source(data=data, eval_data=eval_data, input=input)
    place = Place(device=device, precision=precision, processes=processes)
    return start_job(
        Job(verb="pretrain", model=model, task=task, source=source, place=place, options=options, name=name)
    )


def evaluate(
    model: str,
    data: Any,
    *,
    task: str = "",
    input: str = "",
    label: str = "",
    merge_labels: bool = False,
    errors: str | Path | None = None,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> Run:
    """Judge a model on labelled data, in a worker process; arguments as for `finetune`.

    `errors` names a new file (.csv, .tsv, .jsonl or .ndjson) for the rows that are answered wrongly, the most confident
    answer first; `Run.mistakes` has them in any case.
    """
    source = Source(data=data, input=input, label=label, merge_labels=merge_labels)
    job = Job(
        verb="evaluate",
        model=model,
        task=task,
        source=source,
        place=Place(device=device, precision=precision),
        options=options,
        name=name,
        out=errors or "",
    )
    return start_job(job)


def predict_file(
    model: str,
    data: Any,
    out: str | Path,
    *,
    task: str = "",
    input: str = "",
    keep: str | Sequence[str] = (),
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> Run:
    """Answer every row of a file into another file, in order, in a worker process.

    Args:
        model: name of a card or of a finished run.
        data: the inputs: a file, or a folder of images; or what Python holds, as for `finetune`.
        out: .csv, .tsv, .jsonl or .ndjson; must not exist.
        task: what the model shall answer; needed only where it knows several.
        input: column of the inputs; found by its usual names if not given.
        keep: columns of the data to carry along into the output, or "all".
        name: of the run.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16, fp16 or int8.
        **options: of the model's predict ability.
    """
    source, place = Source(data=data, input=input), Place(device=device, precision=precision)
    job = Job(
        verb="predict",
        model=model,
        task=task,
        source=source,
        place=place,
        options=options,
        name=name,
        out=out,
        keep=keep,
    )
    return start_job(job)


def start_job(job: Job) -> Run:
    """Check a job, put its request into the store and start its worker."""
    with written_data(job) as (written, folder):
        return start(request_of(written), folder)


def start(request: RunRequest, data_folder: Path | None = None) -> Run:
    """Put a request into the store and start its worker.

    Args:
        request: what the run does.
        data_folder: files that the run takes into its own folder, where its data are among them.
    """
    folder = store.create(request, data_folder)
    launch(folder)
    return Run(folder)


def list_runs() -> tuple[Run, ...]:
    """All runs, newest first."""
    return tuple(Run(folder) for folder in store.all_runs())


def open_run(name: str) -> Run:
    """The run of that name, or the only one whose name begins so.

    Raises:
        UnknownRun: naming the nearest.
    """
    return Run(store.find(name))
