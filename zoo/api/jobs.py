"""Jobs, from Python: fine-tuning, pretraining, evaluating, answering a file. Each becomes a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.api.model_names import name_of, name_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, named_sources, source_of
from zoo.api.starting import start_job, start_sequence, start_shards
from zoo.catalog import Catalog
from zoo.file_cache import read_once
from zoo.job_sequences import JobSequence
from zoo.jobs import NOW, Job, Place
from zoo.options import read
from zoo.recipes import read_recipe
from zoo.requests import request_of


def finetune(
    model: str | Run,
    data: Any = None,
    *,
    sources: Mapping[str, Any] = {},
    task: str = "",
    eval_data: Any = None,
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    teacher: str | Run = "",
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    processes: int = 1,
    nodes: int = 0,
    shard: bool = False,
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Fine-tune a model on labelled data, in a worker process.

    Args:
        model: name of a card or of a finished run; or a run, from whose result this one begins as soon as that has
            finished, whatever has become of this process.
        data: a CSV, TSV, JSON or Parquet file, or a folder of images in class folders; or what Python holds: a data
            frame of pandas or polars, a `datasets.Dataset`, a dict of columns, a list of dicts or of pairs. Such data
            are written to the run's folder.
        sources: in the place of data, what to learn from on one body, by the names that the heads of the result get:
            data, or a `zoo.Source` that says more of them. Those without targets are learnt without.
        task: what the result shall do; needed only where the model can be fine-tuned for several.
        eval_data: what to evaluate on; without it the `val` folder beside `train` is taken, or a share of the rows is
            held out (`eval_share`).
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others; `zoo tasks TASK` lists them.
        separator: what stands between the labels of a text that holds several; `|` or `;` if not given.
        classes: a file that says which class each value of a mask is, JSON or a palette; `classes.json` beside the
            masks if not given.
        merge_labels: whether labels that differ only in case, blanks, invisible characters or Unicode form are one
            class, under the name of the most frequent.
        teacher: name of a model or a run, or a run that has finished, whose answers are learnt beside the targets of
            the data, and alone where there are none; of several sources `zoo.Source` names that of each. The options
            `teacher_share` and `teacher_temperature` say how (`zoo.TeachingOptions`).
        name: of the run and of the model that comes of it.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        processes: on a machine.
        nodes: machines of the place that share the training; as many as that says if not given.
        shard: whether the model is divided among the processes, for one that is larger than a device.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model; `zoo show MODEL` lists them.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    source = source_of(
        data,
        by_role(columns, input, label or target),
        separator,
        classes,
        merge_labels,
        eval_data=eval_data,
        teacher=teacher,
    )
    first, *others = named_sources(sources, source, task) or (source,)
    place = Place(
        device=device,
        precision=precision,
        processes=processes,
        nodes=nodes,
        shard=shard,
        on=on,
        requeue=requeue,
        now=now,
    )
    return start_job(
        Job(
            verb="finetune",
            model=name_of(model),
            task=task or ("" if others else first.task),
            source=first,
            others=tuple(others),
            place=place,
            options=options,
            name=name,
        ),
        model if isinstance(model, Run) else None,
    )


@read_once()
def run_recipe(
    recipe: str | Path, *, name: str = "", on: str = "", requeue: bool = False, now: bool = False, **options: Any
) -> Run:
    """Do the training that a recipe says, such as the `recipe.toml` in the folder of a run, in a worker process.

    Where the recipe has more to do on its result, this run is the first; `Run.followers` has those that wait for it.

    Args:
        recipe: a TOML file; the guide on several sources says what stands in it.
        name: of the run and of the model that comes of it.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model, in the place of those of the recipe.

    Raises:
        ZooError: the recipe cannot be read, or what it says cannot be done; with the line.
    """
    said = read_recipe(recipe)
    with said.located_errors():
        job = said.job(name=name, options=options)
        place = msgspec.structs.replace(job.place, on=on or job.place.on, requeue=requeue or job.place.requeue, now=now)
        job = msgspec.structs.replace(job, place=place)
        if not said.then:
            return start_job(job)
        catalog = Catalog.load()
        jobs = JobSequence(request_of(job, catalog), catalog)
    for then in said.followers:
        with then.located_errors():
            jobs.add(then.beside(place).job(), then.head)
    return start_sequence(jobs.requests, now=bool(read(NOW, now)))[0]


def pretrain(
    model: str | Run,
    data: Any,
    *,
    task: str = "",
    eval_data: Any = None,
    input: str = "",
    columns: Mapping[str, str] = {},
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    processes: int = 1,
    nodes: int = 0,
    shard: bool = False,
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Pretrain a model on unlabelled data, in a worker process; arguments as for `finetune`.

    `data` may also be a text file, one example a line.
    """
    source = source_of(data, by_role(columns, input), eval_data=eval_data)
    place = Place(
        device=device,
        precision=precision,
        processes=processes,
        nodes=nodes,
        shard=shard,
        on=on,
        requeue=requeue,
        now=now,
    )
    return start_job(
        Job(verb="pretrain", model=name_of(model), task=task, source=source, place=place, options=options, name=name),
        model if isinstance(model, Run) else None,
    )


def evaluate(
    model: str | Run,
    data: Any,
    *,
    task: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    errors: str | Path | None = None,
    by: str = "",
    calibrate: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Judge a model on labelled data, in a worker process; arguments as for `finetune`.

    `errors` names a new file (.csv, .tsv, .jsonl or .ndjson) for the rows that are answered wrongly, the worst
    answer first; `Run.mistakes` has them in any case. `by` names a column of the data: the report has the main figure
    of the rows with each of its values. `Run.intervals` says where the figures lie with 95% confidence. `calibrate`
    corrects how sure a classifier is by these rows, which it must not have learnt from, and keeps that with it.
    """
    source = source_of(data, by_role(columns, input, label or target), separator, classes, merge_labels)
    job = Job(
        verb="evaluate",
        model=name_of_finished(model),
        task=task,
        source=source,
        place=Place(device=device, precision=precision, on=on, requeue=requeue, now=now),
        options=options,
        name=name,
        out=errors or "",
        by=by,
        calibrate=calibrate,
    )
    return start_job(job)


def predict_file(
    model: str | Run,
    data: Any,
    out: str | Path,
    *,
    task: str = "",
    input: str = "",
    columns: Mapping[str, str] = {},
    format: str = "",
    keep: str | Sequence[str] = (),
    shards: int = 1,
    shard_of: str = "",
    draw: str | Path = "",
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Answer every row of a file into another file, in order, in a worker process.

    Args:
        model: name of a card or of a finished run; or a run that has finished.
        data: the inputs: a file, or a folder of images; or what Python holds, as for `finetune`.
        out: .csv, .tsv, .jsonl or .ndjson, or what else the answers of the task can be written as; must not exist.
        task: what the model shall answer; needed only where it knows several.
        input: column of the inputs; found by its usual names if not given.
        columns: names of columns by role, for a task whose inputs are several.
        format: of that file, by its name, such as spacy; empty where the end of the file's name says it.
        keep: columns of the data to carry along into the output, or "all".
        shards: in how many runs the rows of a large file are answered, one after the other, or at a place several at
            once; what is returned is the run that joins their answers, and the file is the same as that of one run.
        shard_of: answer one of so many parts of the rows alone, such as "3/16": for programs that start one run a part.
        draw: a new folder for the pictures with their answers drawn on them.
        name: of the run.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16, fp16 or int8.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model's predict ability.
    """
    source = source_of(data, by_role(columns, input))
    place = Place(device=device, precision=precision, on=on, requeue=requeue, now=now)
    job = Job(
        verb="predict",
        model=name_of_finished(model),
        task=task,
        source=source,
        place=place,
        options=options,
        name=name,
        out=out,
        format=format,
        keep=keep,
        shards=shards,
        shard_of=shard_of,
        draw=draw,
    )
    return start_shards(job)[-1]
