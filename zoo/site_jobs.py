"""From a federation over the network, as a person asks for it, to the request of its server, or of a client."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from zoo.abilities import choose_ability
from zoo.ability_options import option_set, parse_options
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.data import Dataset, load, match_labels
from zoo.data.clients import client_names
from zoo.data.layout import parts_of
from zoo.errors import OptionInvalid, UnknownModel, Unsupported
from zoo.federated_jobs import check_federated_model, client_data, federated_options
from zoo.file_cache import read_once
from zoo.hyperparameters import FederationOptions
from zoo.job_paths import existing
from zoo.jobs import Job, in_plain_types
from zoo.model_choice import ModelChoice, choose_model
from zoo.options import changed, parse, schema, to_dict
from zoo.plugins import load_plugin
from zoo.plurals import name_list
from zoo.privacy import is_private
from zoo.requests import setting
from zoo.runs.request import DataRequest, FederationRequest, JoiningRequest, RunRequest, ServingRequest
from zoo.sites.addresses import called_address, listening_address
from zoo.sites.certificates import check_certificate, read_fingerprint
from zoo.sites.client import SiteClient
from zoo.sites.messages import PROTOCOL, Refused, Terms
from zoo.sites.options import ServingOptions
from zoo.sites.tokens import FEWEST, MOST
from zoo.sites.versions import zoo_version
from zoo.tasks import get_task
from zoo.tasks.task import Task

_OF_SERVING = frozenset(ServingOptions.__struct_fields__)


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """How clients are served, as a person says."""

    clients: str | Sequence[str]
    """Names of those that may join, in a text with commas or one by one."""
    address: str
    """Where the server listens: a host and a port."""
    certificate: str | os.PathLike[str] = ""
    """A PEM file, where the one that is made is not to be taken."""
    key: str | os.PathLike[str] = ""
    """To it."""


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client joins, as a person says."""

    address: str
    """Of the server."""
    token: str
    """By which it knows the client."""
    fingerprint: str = ""
    """Of its certificate; empty where an authority of this machine vouches for it."""
    model: str = ""
    """What the model is called here, where that is not its name there."""


@read_once()
def serving_request(job: Job, serving: Serving, catalog: Catalog | None = None) -> RunRequest:
    """Check a run that serves clients elsewhere.

    Args:
        job: what is asked for; its data, where there are any, judge the weights of each round.
        serving: who may join, and where.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: the model, its options, the rows to judge on, the address or the certificate cannot serve.
    """
    catalog = catalog or Catalog.load()
    job = in_plain_types(job)
    names = _client_names(serving.clients)
    listening_address(serving.address)
    certificate, key = _certificate(serving)
    path = None if job.source.data in (None, "") else parts_of(existing(job.source.data)).train
    about = ("" if path is None else str(path), job.source.columns, job.source.separator)
    choice = choose_model(catalog, job.model, "finetune", job.task, *about)
    card, digest = choice.card, _digest_of_served(choice, job)
    ability, why = choose_ability(card, "finetune", job.task, *about)
    task = get_task(ability.task).divided_at(job.source.separator).named_by(str(job.source.classes))
    federation, options = federated_options(card, job, ability, _OF_SERVING)
    if is_private(options):
        raise OptionInvalid(
            "--private is of clients that are simulated: the server of sites adds no noise to what they send",
            "leave it out, or zoo federate MODEL --clients FOLDER --private eps=8",
        )
    if federation.baseline:
        raise OptionInvalid("--baseline trains on all rows in one place, and those of sites stay there", "leave it out")
    waiting = _waiting(job, len(names))
    dataset = None if path is None else load(path, task, columns=dict(job.source.columns), min_classes=1)
    labels = _labels(_listed(job.options.get("labels") or ()), task, card, dataset)
    if dataset is not None and task.target:
        match_labels(dataset, labels, merge=job.source.merge_labels)
    data = client_data(job, path, dataset.sha256) if path and dataset else DataRequest(path="", separator=about[2])
    return RunRequest(
        verb="federate",
        task=ability.task,
        task_reason="; ".join(filter(None, (choice.reason, why))),
        data=data,
        options=dict(to_dict(options)),
        federation=FederationRequest(
            options=dict(to_dict(federation)),
            serving=ServingRequest(
                clients=names,
                address=serving.address,
                certificate=certificate,
                key=key,
                labels=labels,
                digest=digest,
                options=dict(to_dict(waiting)),
            ),
        ),
        changed_options=changed(federation) | changed(waiting) | changed(options),
        **setting(job, card, catalog, (ability,), (options,)),
    )


def _digest_of_served(choice: ModelChoice, job: Job) -> str:
    """The digest of the weights that all sites begin from.

    Raises:
        Unsupported: there are none, or sites cannot learn the model together.
    """
    card = choice.card
    check_federated_model(card, job)
    if card.weights is None or choice.is_new:
        what = "begins from random numbers" if card.weights is None else "would begin from the body of several heads"
        raise Unsupported(
            f"{card.name} {what}, and sites begin from the same weights",
            "pretrain or fine-tune it first, and give its name to all sites; or choose another model",
        )
    return card.weights.digest


def _waiting(job: Job, clients: int) -> ServingOptions:
    """How long is waited for whom.

    Raises:
        OptionInvalid: an option is out of bounds, or waits for more clients than there are.
    """
    options = {name: value for name, value in job.options.items() if name in _OF_SERVING - {"labels"}}
    waiting = parse(ServingOptions, options)
    if waiting.least > clients:
        raise OptionInvalid(f"--least is {waiting.least}, and there are {clients} clients", "make it smaller")
    return waiting


def _client_names(clients: str | Sequence[str]) -> tuple[str, ...]:
    """The names of those that may join.

    Raises:
        OptionInvalid: they are fewer than two, or no names.
    """
    names = _listed(clients)
    if len(names) < 2:
        only = f"names one client only, {names[0]}" if names else "names no client"
        raise OptionInvalid(f"--clients {only}; several learn together", "such as --clients alice,bob,carol")
    for name, plain in zip(names, client_names(names), strict=True):
        if name != plain:
            raise OptionInvalid(
                f"--clients has {name!r}, which is there twice or is no name", "letters, digits, - and _ make a name"
            )
    return names


def _listed(values: str | Sequence[str]) -> tuple[str, ...]:
    """Texts with commas, or one by one, without the empty ones."""
    parts = values.split(",") if isinstance(values, str) else list(values)
    return tuple(part.strip() for part in map(str, parts) if part.strip())


def _certificate(serving: Serving) -> tuple[str, str]:
    """The absolute paths of a certificate and its key, both empty where there are none.

    Raises:
        OptionInvalid: there is one without the other, or they cannot be used.
    """
    paths = [str(path) for path in (serving.certificate, serving.key)]
    if not any(paths):
        return "", ""
    if not all(paths):
        raise OptionInvalid("--certificate and --key go together", "leave both out for a certificate that zoo makes")
    certificate, key = (existing(path) for path in paths)
    check_certificate(certificate, key)
    return str(certificate), str(key)


def _labels(named: Sequence[str], task: Task, card: Card, dataset: Dataset | None) -> tuple[str, ...]:
    """All that there may be: as named, or those of the rows to judge on, or those that the model has learnt.

    Raises:
        OptionInvalid: nothing says them, or they are too few.
    """
    if task.target is None or not task.target.fewest_labels:
        return ()
    learnt = card.labels if task.name in card.tasks_of("predict") else ()
    labels = tuple(named) or (dataset.labels if dataset else ()) or learnt
    if not labels:
        raise OptionInvalid(
            "nothing says which labels there are, and clients do not tell theirs",
            "such as --labels negative,positive; or --eval FILE, whose labels are taken",
        )
    if len(set(labels)) < max(len(labels), task.target.fewest_labels):
        raise OptionInvalid(
            f"--labels has {name_list(labels)}: too few, or one twice", "name each label that any client may have"
        )
    return labels


@read_once()
def joining_request(job: Job, joining: Joining, terms: Terms, catalog: Catalog | None = None) -> RunRequest:
    """Check a run that joins others.

    Args:
        job: what is asked for: its data, its place and its name.
        joining: where.
        terms: what is learnt, as the server has told it.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: this machine has another version of zoo or of the model, or the data cannot serve.
    """
    catalog = catalog or Catalog.load()
    job = in_plain_types(msgspec.structs.replace(job, model=joining.model or terms.model, task=terms.task))
    card = _card(catalog, job.model, joining, terms)
    ability = card.ability("finetune", terms.task)
    files = [one.flag for one in schema(option_set(ability)) if one.file and terms.options.get(one.name)]
    if files:
        raise Unsupported(f"the server asks for files of this machine ({name_list(tuple(files))})", "none is read")
    options = parse_options(card, ability, terms.options)
    federation = parse(FederationOptions, terms.federation)
    source = msgspec.structs.replace(job.source, separator=job.source.separator or terms.separator)
    job = msgspec.structs.replace(job, source=source)
    task = get_task(terms.task).divided_at(source.separator).named_by(str(source.classes))
    part = parts_of(existing(source.data))

    def checked(path: Path) -> Dataset:
        dataset = load(path, task, columns=dict(source.columns), min_classes=1, trained=card.columns)
        return match_labels(dataset, terms.labels, merge=source.merge_labels) if task.target else dataset

    data = client_data(job, part.train, checked(part.train).sha256)
    if part.eval is not None:
        data = msgspec.structs.replace(data, eval_path=str(part.eval), eval_sha256=checked(part.eval).sha256)
    address = called_address(joining.address).url
    return RunRequest(
        verb="federate",
        task=terms.task,
        data=data,
        options=dict(to_dict(options)),
        federation=FederationRequest(
            options=dict(to_dict(federation)),
            joining=JoiningRequest(address=address, fingerprint=read_fingerprint(joining.fingerprint), terms=terms),
        ),
        changed_options=changed(federation) | changed(options),
        **setting(job, card, catalog, (ability,), (options,)),
    )


def terms_of(joining: Joining) -> Terms:
    """What a server says is learnt.

    Raises:
        ZooError: it does not answer, does not know the token, or has another certificate or version of zoo.
    """
    if not FEWEST <= len(joining.token) <= MOST or not joining.token.isascii() or not joining.token.isprintable():
        raise OptionInvalid("the token is none that zoo federate serve has made", "it is a text of 43 letters")
    address, fingerprint = called_address(joining.address), read_fingerprint(joining.fingerprint)
    client = SiteClient(address, joining.token, fingerprint, patience_s=0.0)
    try:
        terms = client.terms()
    except Refused as refused:
        raise Unsupported(f"{address.url} refuses: {refused.word}", "is it a zoo federate serve?") from refused
    finally:
        client.close()
    if (terms.protocol, terms.zoo) != (PROTOCOL, zoo_version()):
        raise Unsupported(
            f"the server has zoo {terms.zoo}, and this machine {zoo_version()}: sites have the same version",
            f"pip install zoo-models=={terms.zoo}",
        )
    return terms


def _card(catalog: Catalog, name: str, joining: Joining, terms: Terms) -> Card:
    """The model that all begin from, as it is here.

    Raises:
        UnknownModel: it is not here.
        Unsupported: it is another one, or its plugin is of another version.
    """
    try:
        card = catalog.resolve(name)
    except UnknownModel as error:
        where = "" if joining.model else "; where it has another name here, --model NAME says it"
        raise UnknownModel(f"{name}, which the server begins from, is not here", f"{error.hint}{where}") from error
    digest = card.weights.digest if card.weights else ""
    if digest != terms.digest:
        raise Unsupported(
            f"{card.name} here has other weights than at the server", "all sites begin from the same files: copy them"
        )
    if (version := load_plugin(card.plugin).version) != terms.plugin:
        raise Unsupported(
            f"the server has version {terms.plugin} of plugin {card.plugin}, and this machine {version}",
            "install the same",
        )
    return card
