"""Learning from clients that keep their data, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.api.model_names import name_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.api.starting import Served, start_federated, start_joining, start_serving
from zoo.federated_jobs import Clients
from zoo.jobs import Job, Place
from zoo.site_jobs import Joining, Serving


def federate(
    model: str | Run,
    clients: str | Path | Mapping[str, Any] = "",
    *,
    data: Any = None,
    by: str = "",
    task: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Fine-tune a model on the labelled data of several clients, whose weights travel and whose rows do not: simulated
    here, in one worker process.

    Args:
        model: name of a card or of a finished run; or a run that has finished.
        clients: a folder, in which each folder or file has the data of one client; or a dict of the data of each, by
            names of clients, as for `finetune`.
        data: in the place of clients, data whose column `by` tells theirs apart; as for `finetune`.
        by: that column.
        task: what the result shall do; needed only where the model can be fine-tuned for several.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        name: of the run and of the model that comes of it.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: how clients learn together (`zoo.FederationOptions`), and options of the model.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    job = Job(
        verb="finetune",
        model=name_of_finished(model),
        task=task,
        source=source_of(data, by_role(columns, input, label or target), separator, classes, merge_labels),
        place=Place(device=device, precision=precision, on=on, requeue=requeue, now=now),
        options=options,
        name=name,
    )
    return start_federated(job, Clients(data=clients, by=by))


def serve_federation(
    model: str | Run,
    clients: str | Sequence[str],
    *,
    address: str = "0.0.0.0:8443",
    eval_data: str | Path | None = None,
    certificate: str | Path = "",
    key: str | Path = "",
    task: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    name: str = "",
    device: str = "cpu",
    now: bool = False,
    **options: Any,
) -> Served:
    """Let clients elsewhere fine-tune a model together over HTTPS, with a server in a worker process here.

    Args:
        model: name of a card or of a finished run, or a run that has finished; it has weights, and every client has
            the same.
        clients: names of those that may join.
        address: host and port at which the server listens.
        eval_data: labelled rows of the server's own, on which the weights of each round are judged; without them the
            mean of what clients tell of theirs decides.
        certificate: a PEM file; one is made for the run if not given.
        key: to it.
        task: what the result shall do; needed only where the model can be fine-tuned for several.
        input: column of the inputs of `eval_data`; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several, at all clients.
        name: of the run and of the model that comes of it.
        device: where weights are averaged and judged: cpu, cuda, cuda:N, mps or xpu.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: how clients learn together (`zoo.FederationOptions`), how long is waited for whom (`deadline`,
            `least`, `away`), `labels`, which are all that any client may have (those of `eval_data`, or of the model,
            if not given), and options of the model, which hold at all clients.

    Returns:
        The run, the token of each client, which is kept nowhere, and the fingerprint of the certificate.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    job = Job(
        verb="finetune",
        model=name_of_finished(model),
        task=task,
        source=source_of(eval_data, by_role(columns, input, label or target), separator),
        place=Place(device=device, precision="fp32", now=now),
        options=options,
        name=name,
    )
    return start_serving(job, Serving(clients=clients, address=address, certificate=certificate, key=key))


def join_federation(
    address: str,
    data: Any,
    *,
    token: str,
    fingerprint: str = "",
    model: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    now: bool = False,
) -> Run:
    """Fine-tune a model together with clients elsewhere, in a worker process; the data stay here.

    Args:
        address: of the server, such as https://federation.example:8443.
        data: labelled data, as for `finetune`.
        token: that whoever serves has given to this client.
        fingerprint: of the server's certificate; needed where no authority of this machine vouches for it.
        model: what the model is called here, where that is not its name at the server.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several; as the server has it if not given.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look like one of the server's are that one.
        name: of the run and of the model that comes of it, which is the server's result.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.

    Raises:
        ZooError: the server cannot be reached or refuses, this machine has another version, or the data cannot serve.
    """
    source = source_of(data, by_role(columns, input, label or target), separator, classes, merge_labels)
    place = Place(device=device, precision=precision, now=now)
    job = Job(verb="finetune", model=model, source=source, place=place, name=name)
    return start_joining(job, Joining(address=address, token=token, fingerprint=fingerprint, model=model))
