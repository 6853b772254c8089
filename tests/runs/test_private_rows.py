"""Rows are private where their run learnt privately, or a model before it did, or nobody can say so any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from zoo.blocks import Paragraph, Spans
from zoo.catalog import Catalog
from zoo.jobs import Job, Place
from zoo.planned_results import beginning_from
from zoo.requests import _is_private_before, request_of
from zoo.runs import store as runs
from zoo.runs.model_card import told_digest
from zoo.runs.private_rows import are_private, learnt_privately, without_rows
from zoo.runs.request import DataRequest, RunRequest, SourceRequest, StudentRequest, TeacherRequest
from zoo.runs.store import RunFolder
from zoo.sources import Source

pytestmark = pytest.mark.usefixtures("echo", "store")
TASK = "text-classification"


def request(name: str, model: str = "echo/echo", **changes: Any) -> RunRequest:
    usual: dict[str, Any] = {
        "verb": "finetune",
        "plugin": "echo",
        "task": TASK,
        "data": DataRequest(path="/nowhere.csv"),
    }
    return RunRequest(name=name, model=model, **(usual | changes))


def run(name: str, model: str = "echo/echo", **changes: Any) -> RunFolder:
    return runs.create(request(name, model, **changes))


@pytest.fixture
def private(echo: None, store: Path) -> RunFolder:
    return run("private", options={"private": "eps=8"})


def test_so_are_those_of_all_that_comes_from_a_private_run(private: RunFolder) -> None:
    source = SourceRequest(
        name="a", verb="finetune", task=TASK, data=DataRequest(path="/x"), options={"private": "eps=8"}
    )
    teacher = TeacherRequest(model="echo/private", plugin="echo", digest="")
    student = StudentRequest(name="a", training=request("", "echo/private"))
    about = {
        "child": run("child", "echo/private"),
        "grandchild": run("grandchild", "echo/child", verb="evaluate"),
        "smaller": run("smaller", "echo/grandchild", verb="shrink"),
        "joint": run("joint", sources=(source,)),
        "taught": run("taught", teacher=teacher),
        "picked": run("picked", students=(student,)),
        "told": run("told", private_before=True),
    }
    assert [name for name, folder in about.items() if not are_private(folder.request)] == []
    public = [run("plain"), run("later", "echo/plain", verb="audit"), run("settled", "echo/gone", private_before=False)]
    assert not any(are_private(folder.request) for folder in public)


def test_so_are_those_of_which_it_cannot_be_known(private: RunFolder) -> None:
    orphan, renamed, damaged = (
        run("orphan", "echo/gone"),
        run("renamed", "echo/private"),
        run("damaged", "echo/private"),
    )
    assert are_private(orphan.request)
    moved = runs.rename(private, "discreet")
    assert are_private(renamed.request)
    run("private", created_at=2e9)  # another one, which has its name now
    again = msgspec.structs.replace(renamed.request, created_at=1e9)
    assert are_private(again)
    RunFolder(moved.path.with_name("private")).request_path.write_text("{")
    assert are_private(damaged.request)
    one = run("one", "echo/other")
    run("other", "echo/one")
    assert are_private(one.request)


def test_it_is_written_down_when_a_run_is_made(words: str, rows: Path) -> None:
    folder = zoo.open_run(words).folder
    job = Job(verb="evaluate", model=words, source=Source(data=rows), place=Place(device="cpu"))
    assert folder.request.private_before is False
    assert request_of(job).private_before is False

    runs.write_request(folder, msgspec.structs.replace(folder.request, options={"private": "eps=8"}))
    assert learnt_privately(Catalog.load().resolve(words))
    assert request_of(job).private_before is True
    catalog = Catalog.load()
    taught = Job(verb="finetune", model="echo", source=Source(data=rows, teacher=words))
    assert _is_private_before(taught, catalog.resolve("echo"), catalog)
    planned = request("planned", "echo/words", private_before=False)
    assert beginning_from(planned, folder.request).private_before is True
    assert beginning_from(planned, planned).private_before is False
    folder.request_path.write_text("{")
    assert learnt_privately(Catalog.load().resolve(words))


def test_what_is_handed_on_has_neither_rows_nor_digests_of_them(private: RunFolder) -> None:
    report = (Spans(text="what one said", spans=()), Paragraph(text="the rest"))
    data, public = DataRequest(path="/x.csv", sha256="5" * 64), run("public")
    assert without_rows(private.request, report) == report[1:]
    assert told_digest(private.request, data) == ""
    assert without_rows(public.request, report) == report
    assert told_digest(public.request, data) == data.sha256
