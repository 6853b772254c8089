"""From the candidate that was chosen to a model: its stored answers, its README, its manifest."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.kinds.spelling import distinct_names
from zoo.plurals import counted
from zoo.rendering.markdown import markdown, markdown_table
from zoo.runs import hooks
from zoo.runs.model_card import README, code, told_digest
from zoo.runs.overview import candidate_table
from zoo.runs.publishing import digested_files, let_the_umask_decide
from zoo.runs.result import MANIFEST, ResultManifest, ShrunkResult
from zoo.runs.shrinking.attempt import Attempt, Form, Model
from zoo.runs.store import RunFolder, maker_of
from zoo.runs.stored_answers import FOLDER, store_answers, usual_number
from zoo.runs.trained_on import unite
from zoo.runs.versions import relevant_versions

ADAPTER = "adapter"
"""Folder of a LoRA beside the weights that it is merged into; it fits no packed ones."""


def publish_shrunk(attempt: Attempt, form: Form, model: Model, metrics: Mapping[str, float]) -> ResultManifest:
    """Make the folder of a candidate the model of a run; the manifest is written last.

    Args:
        attempt: at making a model smaller, all candidates measured.
        form: that was chosen.
        model: that was made of it.
        metrics: of this.

    Returns:
        The manifest.
    """
    worker, parent, chosen = attempt.worker, attempt.model.card, attempt.measured[form.name]
    request, folder = worker.request, worker.folder.model_folder
    asked = attempt.options.stored_answers
    number = usual_number(parent) if asked is None else asked
    stored = _store_answers(attempt, model, [example.input for example in attempt.examples[:number]])
    attempt.note(stored)
    trainings = [RunFolder(worker.folder.students_folder / form.student)] if form.student else []
    unite((maker_of(parent.name), *trainings), worker.folder)
    manifest = ResultManifest(
        name=worker.folder.name,
        plugin=model.plugin.name,
        base=model.base,
        parent=parent.name,
        verb=request.verb,
        task=request.task,
        labels=model.card.labels,
        columns=parent.columns or attempt.columns,
        parameters=model.card.parameters,
        metrics=dict(metrics),
        options=dict(request.shrinking),
        created_at=time.time(),
        versions=relevant_versions(model.plugin.distribution),
        shrunk=ShrunkResult(
            format=form.name,
            precision=chosen.precision,
            size_bytes=chosen.size_bytes,
            original_bytes=attempt.original.size_bytes,
            trainable=form.trainable,
        ),
    )
    _write_readme(model.folder, manifest, attempt, form, stored)
    let_the_umask_decide(model.folder)
    manifest = msgspec.structs.replace(manifest, files=digested_files(model.folder))
    shutil.move(model.folder, folder)
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _store_answers(attempt: Attempt, model: Model, inputs: Sequence[Any]) -> str:
    """Keep answers for other machines; says how many they are, and where."""
    if not inputs:
        why = (
            "as asked"
            if attempt.options.stored_answers == 0
            else "since the model or one before it learnt privately, or may have"
        )
        return f"no answers kept for other machines, {why}"
    run = attempt.prediction_run(model)
    kept = store_answers(run.weights, run, inputs, hooks.load_predictor(model.plugin, run).predict(list(inputs)))
    if not kept:
        return "no answers kept for other machines: the files of their inputs are too large, or gone"
    return f"{counted(kept, 'answer')} kept in {FOLDER}/ with their inputs, rows of the data, for other machines"


def _write_readme(folder: Path, manifest: ResultManifest, attempt: Attempt, form: Form, stored: str) -> None:
    """What was done, measured and judged, and how other libraries read the model."""
    data, chosen = attempt.worker.request.data, attempt.measured[form.name]
    digest = told_digest(attempt.worker.request, data)
    drop = f"{chosen.low:+.4f} to {chosen.high:+.4f}" if chosen.low is not None and chosen.high is not None else ""
    further = "" if form.trainable else f" It only answers; to train further, take {manifest.parent}."
    parts = [
        f"# {manifest.name}",
        f"{manifest.parent}, made smaller with zoo: {form.words}, computed in {chosen.precision}.{further}",
        f"On {Path(data.path).name}, {chosen.metric} dropped by {chosen.drop:+.4f} (95% interval of the paired "
        f"difference {drop}); at most {attempt.options.max_drop} was allowed.",
        markdown((candidate_table(tuple(attempt.measured.values())),)),
        " ".join(f"{one[:1].upper()}{one[1:]}." for one in (attempt.place, stored)),
        markdown_table(("", ""), [("file", Path(data.path).name), *([("sha256", digest)] if digest else [])]),
        "## Labels\n\n" + ", ".join(map(code, distinct_names(manifest.labels).values())) if manifest.labels else "",
        "## Use\n\n```\n" + f"zoo predict {manifest.name} ..." + "\n```",
        form.usage(manifest.name),
        "## Versions\n\n" + markdown_table(("", ""), list(manifest.versions.items())),
    ]
    atomic.write_text(folder / README, "\n\n".join(part for part in parts if part) + "\n")
