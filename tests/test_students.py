"""Smaller networks that are trained to take the place of a model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from zoo.catalog import Catalog
from zoo.jobs import Job
from zoo.shrink_options import ShrinkOptions
from zoo.sources import Source
from zoo.students import student_jobs

pytest.importorskip("zoo_echo")


@pytest.mark.usefixtures("store")
def test_none_has_the_name_of_another_candidate(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\ngood,yes\nbad,no\n")
    model = Catalog.load().resolve("echo")
    names = ("original", "int8", "pruned", "small")
    catalog = Catalog(tuple(msgspec.structs.replace(model, name=name) for name in names))
    job = Job(verb="shrink", model="echo", source=Source(data=rows))
    options = ShrinkOptions(into=",".join(names), train=str(rows))

    trainings = student_jobs(job, model, "text-classification", options, catalog)

    assert [name for name, _ in trainings] == ["echo-original", "echo-int8", "echo-pruned", "small"]
