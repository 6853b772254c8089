"""What is wrong with a federation over the network is told before it begins, and before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import DatasetInvalid, DownloadFailed, OptionInvalid, UnknownModel, Unsupported, ZooError
from zoo.jobs import Job
from zoo.runs.request import RunRequest
from zoo.site_jobs import Joining, Serving, joining_request, serving_request
from zoo.sites.addresses import listening_address
from zoo.sites.certificates import make_certificate
from zoo.sites.messages import PROTOCOL, Terms
from zoo.sites.tokens import make_tokens
from zoo.sites.versions import zoo_version
from zoo.sources import Source

MODEL = "all-minilm-l6-v2"
CLIENTS = "alice,bob,carol"
TASK = {"task": "text-classification"}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    pytest.importorskip("zoo_bert")
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"good {i},yes\nbad {i},no\n" for i in range(8)))
    return path


def served(
    clients: Any = CLIENTS,
    model: str = MODEL,
    data: Path | None = None,
    task: str = "text-classification",
    serving: dict[str, Any] = {},  # noqa: B006
    **options: Any,
) -> RunRequest:
    job = Job(verb="finetune", model=model, task=task, source=Source(data=data), options={"labels": "no,yes"} | options)
    settings = {"address": "127.0.0.1:0"} | serving
    return serving_request(job, Serving(clients=clients, **settings))


def refused(kind: type[ZooError], message: str, *arguments: Any, **options: Any) -> None:
    with pytest.raises(kind) as caught:
        served(*arguments, **options)
    assert message in f"{caught.value.message}. {caught.value.hint}"


def test_what_is_asked_of_a_server(rows: Path) -> None:
    request = served(rounds=5, deadline=60, lr=1e-3)
    assert request.federation is not None
    assert request.federation.serving is not None
    assert request.federation.serving.clients == ("alice", "bob", "carol")
    assert request.federation.serving.labels == ("no", "yes")
    assert request.federation.serving.digest
    assert request.federation.options["rounds"] == 5
    assert request.changed_options == {"rounds": 5, "deadline": 60.0, "lr": 1e-3}
    assert served(data=rows, labels=()).federation.serving.labels == ("no", "yes")  # type: ignore[union-attr]


def test_servers_that_cannot_be(rows: Path, tmp_path: Path) -> None:
    refused(OptionInvalid, "--clients names one client only, alice", "alice")
    refused(OptionInvalid, "--clients names no client", " , ")
    refused(OptionInvalid, "--clients has 'Alice', which is there twice or is no name", "alice,Alice")
    refused(OptionInvalid, "--clients has '../bob'", "alice,../bob")
    refused(OptionInvalid, "nothing says which labels there are", labels="")
    refused(OptionInvalid, "too few, or one twice", labels="no,no")
    refused(OptionInvalid, "too few, or one twice", labels=["no"])
    refused(DatasetInvalid, "label 'yes' is none of those", data=rows, labels="no,maybe")
    refused(Unsupported, "bert-tiny begins from random numbers", model="bert-tiny")
    refused(OptionInvalid, "--baseline trains on all rows in one place", baseline=True)
    refused(OptionInvalid, "--least is 4, and there are 3 clients", least=4)
    refused(OptionInvalid, "--deadline is 0", deadline=0)
    refused(OptionInvalid, "--private is of clients that are simulated", private="eps=8")
    refused(OptionInvalid, "there is no option 'round'", round=3)
    for address in ("host:port", "host:70000", ":1", "a/b", "u@host:1", "a..b", "a" * 64):
        refused(OptionInvalid, "is none of a host and a port", serving={"address": address})
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(certificate, key, "127.0.0.1")
    assert served(serving={"certificate": certificate, "key": key})
    assert listening_address("m\u00fcnchen:1").host == "xn--mnchen-3ya"
    refused(OptionInvalid, "--certificate and --key go together", serving={"certificate": certificate})
    refused(OptionInvalid, "cannot be used", serving={"certificate": key, "key": certificate})


@pytest.fixture
def terms(rows: Path) -> Terms:
    request = served()
    assert request.federation is not None
    assert request.federation.serving is not None
    return Terms(
        protocol=PROTOCOL,
        zoo=zoo_version(),
        plugin=zoo.plugins.load_plugin("bert").version,
        client="alice",
        number=1,
        model=request.model,
        digest=request.federation.serving.digest,
        task=request.task,
        labels=("no", "yes"),
        options=request.options,
        federation=request.federation.options,
        away_s=60,
    )


def joined(terms: Terms, data: Path, **settings: Any) -> RunRequest:
    joining = Joining(**{"address": "https://there:1", "token": "x" * 43} | settings)  # type: ignore[arg-type]
    return joining_request(Job(verb="finetune", model="", source=Source(data=data)), joining, terms)


def test_a_client_does_what_the_server_says(terms: Terms, rows: Path) -> None:
    request = joined(terms, rows, fingerprint="sha256:" + "AB" * 32)
    assert request.federation is not None
    assert request.federation.joining is not None
    assert request.federation.joining.fingerprint == "SHA256:" + "ab" * 32
    assert request.options == served().options
    assert "x" * 43 not in msgspec.json.encode(request).decode()


def test_clients_that_cannot_join(terms: Terms, rows: Path, tmp_path: Path) -> None:
    def refuses(kind: type[ZooError], message: str, data: Path = rows, **changes: Any) -> None:
        with pytest.raises(kind) as caught:
            joined(msgspec.structs.replace(terms, **changes), data)
        assert message in f"{caught.value.message}. {caught.value.hint}"

    refuses(Unsupported, "has other weights than at the server", digest="0")
    refuses(Unsupported, "the server has version 0 of plugin bert", plugin="0")
    refuses(UnknownModel, "bert/none, which the server begins from, is not here", model="bert/none")
    refuses(OptionInvalid, "there is no option 'evil'", options={"evil": 1})
    refuses(DatasetInvalid, "label 'yes' is none of those trained on", labels=("no", "maybe"))
    refuses(Unsupported, "cannot finetune for text-generation", task="text-generation")
    refuses(ZooError, "no-such", data=tmp_path / "no-such.csv")


def test_the_command_asks_for_what_it_lacks(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*words: str) -> tuple[int, str]:
        return main(["federate", *words]), capsys.readouterr().err

    data = ["--data", str(rows)]
    assert said("join", "http://there", *data) == (
        ExitCode.USAGE,
        "error: http://there is not protected: a token would be readable on its way\n"
        "hint: such as https://federation.example:8443\n",
    )
    code, error = said("join", "https://there", *data)
    assert (code, "nobody is there to ask for the token" in error) == (ExitCode.USAGE, True)
    monkeypatch.setenv("ZOO_FEDERATE_TOKEN", "short")
    code, error = said("join", "https://there", *data)
    assert (code, "the token is none that" in error) == (ExitCode.USAGE, True)
    token = tmp_path / "token"
    token.write_text(make_tokens(["alice"])["alice"] + "\n")
    code, error = said("join", "https://127.0.0.1:9", "--token-file", str(token), *data)
    assert (code, "https://127.0.0.1:9 does not answer" in error) == (ExitCode.DOWNLOAD, True)
    code, error = said("join", "https://127.0.0.1:9", "--token-file", str(token), "--fingerprint", "12", *data)
    assert (code, "--fingerprint '12' is none" in error) == (ExitCode.USAGE, True)
    code, error = said("join", "https://there")
    assert (code, "--data" in error) == (ExitCode.USAGE, True)
    code, error = said("serve", MODEL, "--clients", CLIENTS, "--labels", "a,b", "--json")
    assert (code, "--json leaves no place for tokens" in error) == (ExitCode.USAGE, True)
    code, error = said("serve", MODEL, "--clients", CLIENTS, "--labels", "a,b", "--tokens", str(token))
    assert (code, "is there already" in error) == (ExitCode.USAGE, True)
    nowhere, new = tmp_path / "none" / "tokens", tmp_path / "tokens"
    code, error = said("serve", MODEL, "--clients", CLIENTS, "--labels", "a,b", "--tokens", str(nowhere))
    assert (code, f"--tokens {nowhere}: No such file" in error) == (ExitCode.USAGE, True)
    code, error = said("serve", MODEL, "--clients", "alice", "--labels", "a,b", "--tokens", str(new))
    assert (code, "names one client only" in error, new.exists()) == (ExitCode.USAGE, True, False)


def test_a_server_that_does_not_answer_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadFailed, match="does not answer"):
        zoo.join_federation("https://127.0.0.1:9", "rows.csv", token="x" * 43)
    monkeypatch.setenv("ALL_PROXY", "odd://127.0.0.1:9")
    with pytest.raises(DownloadFailed, match="settings of this environment"):
        zoo.join_federation("https://127.0.0.1:9", "rows.csv", token="x" * 43)
