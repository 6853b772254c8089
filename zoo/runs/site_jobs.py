"""The two sides of a federation over the network: the server that averages, and a client whose data stay with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data import load, match_labels
from zoo.data.columns import own_columns
from zoo.errors import RunFailed, Unsupported
from zoo.file_cache import release
from zoo.options import parse
from zoo.runs.attempt import Worker
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, DataLoaded, Noted, RunCancelled, Warned
from zoo.runs.federation import Federated, prepare
from zoo.runs.preparation import fetch_weights
from zoo.runs.publishing import publish
from zoo.runs.quarantine import Quarantine, check_digest
from zoo.runs.request import JoiningRequest, ServingRequest
from zoo.runs.training_data import ClientRows, TrainingData, load_training_data
from zoo.runs.training_job import Part, finished, fitted, list_mistakes, run_of
from zoo.sites.addresses import called_address, listening_address
from zoo.sites.client import SiteClient
from zoo.sites.exchange import Exchange
from zoo.sites.membership import SiteMembership
from zoo.sites.messages import PROTOCOL, Membership, Refused, Terms
from zoo.sites.options import ServingOptions
from zoo.sites.secrets import secrets_of
from zoo.sites.server import Server, make_app
from zoo.sites.tokens import read_digests
from zoo.sites.versions import zoo_version


def _own(prepared: Federated) -> Membership:
    """What is on this machine, now: a run that goes on may find another version than it began with."""
    weights = prepared.card.weights
    return Membership(
        zoo=zoo_version(),
        plugin=prepared.plugin.version,
        digest=weights.digest if weights else "",
        rows=0,
        eval_rows=0,
    )


def serve(worker: Worker) -> AnyEvent:
    """Do a run whose clients are elsewhere; returns the event that ends it."""
    request = worker.request
    assert request.federation is not None
    serving = request.federation.serving
    assert serving is not None
    prepared = prepare(worker)
    data = _held_out(worker, prepared, serving)
    release()
    run = _run(worker, prepared, data, fetch_weights(worker, prepared.card), serving.labels)
    exchange = Exchange(
        serving.clients,
        parse(ServingOptions, serving.options),
        _own(prepared),
        note=lambda message: worker.emit(Noted(message=message)),
        warn=lambda message: worker.emit(Warned(message=message)),
        should_stop=worker.should_stop,
    )
    server = _server(worker, serving, exchange, prepared)
    try:
        result = fitted(prepared.plugin, "finetune", dataclasses.replace(run, exchange=exchange))
    finally:
        server.close()
    if result.cancelled:
        return RunCancelled(step=result.step)
    members = exchange.memberships().values()
    rows = (sum(one.rows for one in members), len(data.eval) or sum(one.eval_rows for one in members))
    return _published(worker, prepared, run, result, _with_rows(data, rows))


def _server(worker: Worker, serving: ServingRequest, exchange: Exchange, prepared: Federated) -> Server:
    """What clients reach; where that is, is told."""
    request, secrets, own = worker.request, secrets_of(worker.folder.path), _own(prepared)
    assert request.federation is not None
    federation = request.federation
    certificate = Path(serving.certificate) if serving.certificate else secrets.certificate
    key = Path(serving.key) if serving.key else secrets.key

    def terms(name: str) -> Terms:
        return Terms(
            protocol=PROTOCOL,
            zoo=own.zoo,
            plugin=own.plugin,
            client=name,
            number=serving.clients.index(name) + 1,
            model=request.model,
            digest=own.digest,
            task=request.task,
            separator=request.data.separator,
            labels=serving.labels,
            options=request.options,
            federation=federation.options,
            away_s=exchange.options.away,
        )

    app = make_app(exchange, read_digests(secrets.digests), terms)
    server = Server(app, listening_address(serving.address), certificate, key)
    worker.emit(Noted(message=f"serving at {server.address.url}"))
    return server


def _held_out(worker: Worker, prepared: Federated, serving: ServingRequest) -> TrainingData:
    """The rows that the server judges weights on, which may be none; it has none to train on."""
    data, task = worker.request.data, prepared.task
    if not data.path:
        quarantine = Quarantine(worker, [])
        worker.emit(DataLoaded(labels=serving.labels))
        return TrainingData(worker, task, quarantine, prepared.options.max_rejected, (), (), serving.labels, {})
    dataset = load(data.path, task, columns=data.columns, min_classes=1, trained=prepared.card.columns)
    check_digest(data.path, dataset.sha256, data.sha256, dataset.names_file)
    if task.target:
        dataset = match_labels(dataset, serving.labels, merge=data.merge_labels)
    quarantine = Quarantine(worker, [dataset])
    quarantine.check_share(prepared.options.max_rejected)
    columns = own_columns(dataset.path, dataset.columns)
    worker.emit(
        DataLoaded(
            eval_rows=len(dataset.examples),
            rejected_rows=len(quarantine),
            labels=serving.labels,
            columns=columns,
            sha256=dataset.sha256,
        )
    )
    most = prepared.options.max_rejected
    return TrainingData(worker, task, quarantine, most, (), dataset.examples, serving.labels, columns)


@dataclass(frozen=True)
class RowsElsewhere(TrainingData):
    """What a server learns from: rows that clients have told the number of."""

    counts: tuple[int, int] = (0, 0)

    @property
    def usable_rows(self) -> tuple[int, int]:
        """Rows that were trained and evaluated on, wherever they are."""
        return self.counts


def _with_rows(data: TrainingData, counts: tuple[int, int]) -> RowsElsewhere:
    """The same data with the numbers of rows that clients have told."""
    fields: dict[str, Any] = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    return RowsElsewhere(**fields, counts=counts)


def join(worker: Worker) -> AnyEvent:
    """Do a run that is a client; returns the event that ends it."""
    request = worker.request
    assert request.federation is not None
    joining = request.federation.joining
    assert joining is not None
    prepared, labels = prepare(worker), joining.terms.labels
    data, trained = request.data, {} if request.new_heads else prepared.card.columns
    dataset = load(data.path, prepared.task, columns=data.columns, min_classes=1, trained=trained)
    check_digest(data.path, dataset.sha256, data.sha256, dataset.names_file)
    if prepared.task.target:
        dataset = match_labels(dataset, labels, merge=data.merge_labels)
    rows = ClientRows(dataset, labels)
    own_data = load_training_data(worker, prepared.task, prepared.options, trained, rows)
    release()
    own = _run(worker, prepared, own_data, fetch_weights(worker, prepared.card), labels)
    secrets = secrets_of(worker.folder.path)
    client = SiteClient(
        called_address(joining.address),
        secrets.read_token(),
        joining.fingerprint,
        should_stop=worker.should_stop,
        warn=lambda message: worker.emit(Warned(message=message)),
    )
    try:
        _check_same_terms(client, joining)
        run = dataclasses.replace(
            own, train=(), eval=(), clients=(own,), membership=SiteMembership(client, joining.terms, _own(prepared))
        )
        result = fitted(prepared.plugin, "finetune", run)
    finally:
        client.close()
    if result.cancelled:
        return RunCancelled(step=result.step)
    event = _published(worker, prepared, own, result, own_data)
    secrets.token.unlink(missing_ok=True)
    return event


def _check_same_terms(client: SiteClient, joining: JoiningRequest) -> None:
    """Insist on what the run was asked for.

    Raises:
        Unsupported: the server serves something else by now.
    """
    try:
        terms = client.terms()
    except Refused as refused:
        raise RunFailed(f"the server refuses: {refused.word}", "ask whoever serves") from refused
    if terms != joining.terms:
        raise Unsupported(
            f"{joining.address} serves something else than when the run was asked for", "zoo federate join begins anew"
        )


def _run(
    worker: Worker, prepared: Federated, data: TrainingData, weights: Path | None, labels: Sequence[str]
) -> TrainingRun:
    part = Part(worker, "finetune", prepared.task, prepared.options, data)
    run = run_of(worker, part, prepared.card, weights)
    return dataclasses.replace(run, labels=tuple(labels), federation=prepared.federation)


def _published(
    worker: Worker, prepared: Federated, run: TrainingRun, result: FitResult, data: TrainingData
) -> AnyEvent:
    publish(worker, prepared.plugin, prepared.card, run, result, [data])
    if prepared.task.has_mistakes and run.eval:
        list_mistakes(worker, prepared.task, run.eval)
    return finished(result, result.report)
