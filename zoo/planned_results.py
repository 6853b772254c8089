"""Results that runs will have made once they have finished: what a job that goes on from one is checked against."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from zoo.card import Card
from zoo.catalog import Catalog, result_cards
from zoo.data.columns import find_columns
from zoo.data.example import Columns
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import UnknownModel, Unsupported
from zoo.paths import runs_folder
from zoo.runs import status
from zoo.runs.log import awaited
from zoo.runs.private_rows import are_private
from zoo.runs.request import MAKING_MODELS, TRAINING, RunRequest, SourceRequest
from zoo.runs.result import HeadResult, ResultManifest
from zoo.runs.store import RunFolder
from zoo.tasks import get_task


def with_result(catalog: Catalog, request: RunRequest) -> Catalog:
    """All models, and those that a run will have made.

    Args:
        catalog: with the model that the run starts from.
        request: of the run, which has a name.

    Raises:
        UnknownModel: the model that the run starts from is gone.
    """
    base = next((card for card in catalog.cards if card.full_name == request.model), None)
    if base is None:
        raise UnknownModel(
            f"run {request.name} begins from {request.model}, and there is no such model any more",
            f"wait until the run has finished: zoo attach {request.name}",
        )
    sources = request.sources or ((as_source(request),) if request.head else ())
    columns = {} if sources else _columns(request, base)
    heads = (*request.kept, *sources)
    manifest = ResultManifest(
        name=request.name,
        plugin=request.plugin,
        base=base.name,
        parent=base.name,
        verb=request.verb,
        task=request.task,
        columns=columns,
        parameters=base.parameters,
        heads=tuple(
            HeadResult(name=one.name, verb=one.verb, task=one.task, columns=_columns(one, base)) for one in heads
        ),
    )
    results = result_cards(manifest, base, runs_folder() / request.name / "model")
    return msgspec.structs.replace(catalog, cards=(*results, *catalog.cards))


def with_result_of(catalog: Catalog, folder: RunFolder) -> Catalog:
    """All models, and those that a run makes which goes on, or waits for one that does.

    Args:
        catalog: all models that there are.
        folder: of the run.

    Raises:
        Unsupported: it makes no model, or nobody is at it.
    """
    request, s = msgspec.structs.replace(folder.request, name=folder.name), status.read(folder)
    if s.status == "finished":
        return Catalog.load()  # it may have finished since the other was
    if request.verb in MAKING_MODELS and request.verb not in TRAINING:
        raise Unsupported(
            f"what comes of run {folder.name} is not known before it ends: it is there to {request.verb}",
            f"wait until it has: zoo attach {folder.name}",
        )
    if request.verb not in TRAINING or request.dry_run:
        raise Unsupported(f"run {folder.name} makes no model: it is there to {request.verb}", f"use {request.model}")
    if s.status == "waiting":
        if (before := awaited(folder)) is None:
            raise Unsupported(f"run {folder.name} waits for {s.after}, which is gone", "start a new run")
        return with_result(with_result_of(catalog, before), request)
    if not s.live:
        raise Unsupported(
            f"run {folder.name} is {s.status}, so nothing can begin from its result",
            f"go on with it first: zoo resume {folder.name}",
        )
    return with_result(catalog, request)


def beginning_from(request: RunRequest, before: RunRequest) -> RunRequest:
    """A request on a planned result, with what the heads that come along will have been learnt from, and whether rows
    that it has learnt are private.

    Args:
        request: as it was made while there was no such result.
        before: of the run that makes it.
    """
    learnt = {source.name: source for source in (*before.sources, *before.kept)}
    kept = tuple(learnt.get(one.name, one) for one in request.kept)
    return msgspec.structs.replace(request, kept=kept, private_before=request.private_before or are_private(before))


def is_planned(card: Card) -> bool:
    """Whether a model is the result of a run that has not finished yet."""
    return card.weights is not None and not card.weights.files


def as_source(request: RunRequest) -> SourceRequest:
    """What a request with one source learns from, as the source that its head is called after."""
    verb: Literal["pretrain", "finetune"] = "pretrain" if request.verb == "pretrain" else "finetune"
    return SourceRequest(name=request.head, verb=verb, task=request.task, data=request.data, teacher=request.teacher)


def _columns(request: RunRequest | SourceRequest, base: Card) -> Columns:
    """Those that are learnt from, by role."""
    federation = request.federation if isinstance(request, RunRequest) else None
    data = federation.clients[0].data if federation and federation.clients else request.data
    if not data.path:
        return {}
    task = get_task(request.task).divided_at(data.separator).named_by(data.classes)
    table = Table(parts_of(Path(data.path)).train)
    trained = base.columns if isinstance(request, RunRequest) else {}
    return find_columns(table, task, columns=data.columns, require_target=False, trained=trained)
