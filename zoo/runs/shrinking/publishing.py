"""From the candidate that was chosen to a model: its stored answers, its README, its manifest."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.card import Card
from zoo.kinds.spelling import distinct_names
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.rendering.markdown import markdown, markdown_table
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate
from zoo.runs.context import PredictionRun
from zoo.runs.events import Noted
from zoo.runs.model_card import README, code
from zoo.runs.overview import candidate_table
from zoo.runs.publishing import base_name, digested_files, let_the_umask_decide
from zoo.runs.request import RunRequest
from zoo.runs.result import MANIFEST, ResultManifest, ShrunkResult
from zoo.runs.stored_answers import FOLDER, store_answers
from zoo.shrink_options import FORMATS, ORIGINAL

ADAPTER = "adapter"
"""Folder of a LoRA beside the weights that it is merged into; it fits no packed ones."""


def publish_shrunk(
    worker: Worker,
    plugin: Plugin,
    card: Card,
    *,
    run: PredictionRun,
    candidates: Sequence[Candidate],
    chosen: Candidate,
    place: str,
    metrics: Mapping[str, float],
    columns: dict[str, str],
    inputs: Sequence[Any],
) -> ResultManifest:
    """Make the folder of a candidate the model of a run; the manifest is written last.

    Args:
        worker: of the run.
        plugin: that answers.
        card: of the model that was made smaller.
        run: as the candidate is loaded.
        candidates: all that were measured, the original first.
        chosen: of these.
        place: where they were measured, in words.
        metrics: of the candidate.
        columns: of the data it was judged by.
        inputs: those of these data that are kept with their answers.

    Returns:
        The manifest.
    """
    folder, request = worker.folder.model_folder, worker.request
    stored = _store_answers(worker, plugin, run, inputs)
    worker.emit(Noted(message=stored))
    original = next(one for one in candidates if one.name == ORIGINAL)
    manifest = ResultManifest(
        name=worker.folder.name,
        plugin=plugin.name,
        base=base_name(card, worker),
        parent=card.name,
        verb=request.verb,
        task=request.task,
        labels=card.labels,
        columns=card.columns or columns,
        parameters=card.parameters,
        metrics=dict(metrics),
        options=dict(request.shrinking),
        created_at=time.time(),
        versions=request.versions,
        shrunk=ShrunkResult(
            format=chosen.name,
            precision=chosen.precision,
            size_bytes=chosen.size_bytes,
            original_bytes=original.size_bytes,
        ),
    )
    said = " ".join(f"{one[:1].upper()}{one[1:]}." for one in (place, stored))
    _write_readme(run.weights, manifest, worker.request, candidates, chosen, said)
    let_the_umask_decide(run.weights)
    manifest = msgspec.structs.replace(manifest, files=digested_files(run.weights))
    shutil.move(run.weights, folder)
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _store_answers(worker: Worker, plugin: Plugin, run: PredictionRun, inputs: Sequence[Any]) -> str:
    """Keep answers for other machines; says how many they are, and where."""
    if not inputs:
        asked = worker.request.shrinking.get("stored_answers") == 0
        why = "as asked" if asked else "since the model or one before it learnt privately"
        return f"no answers kept for other machines, {why}"
    kept = store_answers(run.weights, run, inputs, hooks.load_predictor(plugin, run).predict(list(inputs)))
    if not kept:
        return "no answers kept for other machines: the files of their inputs are too large, or gone"
    return f"{counted(kept, 'answer')} kept in {FOLDER}/ with their inputs, rows of the data, for other machines"


def _write_readme(
    folder: Path,
    manifest: ResultManifest,
    request: RunRequest,
    candidates: Sequence[Candidate],
    chosen: Candidate,
    said: str,
) -> None:
    """What was done, measured and judged, and how other libraries read the model."""
    data = request.data
    drop = f"{chosen.low:+.4f} to {chosen.high:+.4f}" if chosen.low is not None and chosen.high is not None else ""
    export = f"zoo export {manifest.name} {manifest.name}-as-files"
    parts = [
        f"# {manifest.name}",
        f"{manifest.parent}, made smaller with zoo: {FORMATS[chosen.name]}, computed in {chosen.precision}. It only "
        f"answers; to train further, take {manifest.parent}.",
        f"On {Path(data.path).name}, {chosen.metric} dropped by {chosen.drop:+.4f} (95% interval of the paired "
        f"difference {drop}); at most {request.shrinking.get('max_drop')} was allowed.",
        markdown((candidate_table(candidates),)),
        said,
        markdown_table(("", ""), [("file", Path(data.path).name), ("sha256", data.sha256)]),
        "## Labels\n\n" + ", ".join(map(code, distinct_names(manifest.labels).values())) if manifest.labels else "",
        "## Use\n\n```\n" + f"zoo predict {manifest.name} ..." + "\n```",
        f"zoo reads these weights as they are. For other libraries `{export}` writes them in float32.",
        "## Versions\n\n" + markdown_table(("", ""), list(manifest.versions.items())),
    ]
    atomic.write_text(folder / README, "\n\n".join(part for part in parts if part) + "\n")
