"""Recipes: what a run writes can be run again, and what a person wrote wrongly has one message with the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.plugin_site import Site, card, plugin
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.errors import OptionInvalid
from zoo.job_sequences import JobSequence
from zoo.recipe_writing import recipe_of
from zoo.recipes import read_recipe
from zoo.requests import request_of
from zoo.runs.request import DataRequest, RunRequest, SourceRequest, TeacherRequest

HERE = ("--device", "cpu", "--precision", "fp32")
ODD = 'a "quoted" \\ name,\twith\x7f é'


def request(**said: Any) -> RunRequest:
    data = DataRequest(path=f"/data/{ODD}.csv", columns={"input": ODD}, separator="|", merge_labels=True)
    return RunRequest(
        **{
            "name": "mine",
            "verb": "finetune",
            "model": "bert/bert-tiny",
            "plugin": "bert",
            "task": "text-classification",
            "data": data,
            "options": {"seed": 7, "epochs": 2.0, "dropout": 0.1},
            "changed_options": {"epochs": 2.0, "dropout": 0.0, "warm": False, "lr": None, "threshold": "auto"},
        }
        | said
    )


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path / "r.toml", recipe_of(request(processes=2), tmp_path)))
    (source,) = recipe.sources

    assert (recipe.verb, recipe.model) == ("finetune", "bert/bert-tiny")
    assert recipe.place == {"device": "cpu", "precision": "fp32", "processes": 2}
    assert recipe.options == {
        "seed": 7,
        "epochs": 2.0,
        "dropout": 0.0,
        "warm": False,
        "lr": "auto",
        "threshold": "auto",
    }
    assert (source.data, source.columns, source.separator) == (f"/data/{ODD}.csv", {"input": ODD}, "|")
    assert (source.merge_labels, source.task) == (True, "text-classification")


def test_several_sources_are_read_by_their_names(tmp_path: Path) -> None:
    sources = (
        SourceRequest(
            name="a", verb="finetune", task="t", data=DataRequest(path="/a.csv", eval_path="/b.csv"), weight=0.5
        ),
        SourceRequest(
            name="b", verb="pretrain", task="fill-mask", task_reason="no targets", data=DataRequest(path="/c")
        ),
        SourceRequest(
            name="taught",
            verb="finetune",
            task="t",
            data=DataRequest(path="/e"),
            teacher=TeacherRequest(
                model="bert/big", plugin="bert", digest="d", labelled=True, share=0.25, temperature=3.0
            ),
        ),
        SourceRequest(name="c", verb="pretrain", task="fill-mask", data=DataRequest(path="/d")),
    )
    recipe = read_recipe(written(tmp_path / "r.toml", recipe_of(request(sources=sources), tmp_path)))

    assert [(one.name, one.data, one.task, one.weight) for one in recipe.sources] == [
        ("a", "/a.csv", "t", 0.5),
        ("b", "/c", "", 1.0),
        ("taught", "/e", "t", 1.0),
        ("c", "/d", "fill-mask", 1.0),
    ]
    assert [one.teacher for one in recipe.sources] == ["", "", "bert/big", ""]
    assert (recipe.options["teacher_share"], recipe.options["teacher_temperature"]) == (0.25, 3.0)
    assert recipe.sources[0].eval_data == "/b.csv"


def test_what_follows_begins_from_the_head_that_is_named(site: Site, tmp_path: Path) -> None:
    tasks = ("text-classification", "text-regression")
    abilities = [f"zoo.Ability(verb='finetune', task={task!r}, options=zoo.FinetuneOptions)" for task in tasks]
    hooks = "".join(f"@zoo.hookimpl\ndef {hook}(run): ...\n\n" for hook in ("finetune", "body"))
    site.install("sharer", plugin(card("sharer", abilities=f"({', '.join(abilities)})"), more=hooks))
    for name, column in (("kinds", "label"), ("scores", "score")):
        rows = "".join(f"fine {n},{n % 2}{'.5' * (column == 'score')}\n" for n in range(20))
        (tmp_path / f"{name}.csv").write_text(f"text,{column}\n{rows}")
    text = """model = "sharer"
[sources]
a = { data = "kinds.csv" }
b = { data = "kinds.csv" }
scores = { data = "scores.csv", task = "text-regression" }
[then]
head = "b"
source = { data = "kinds.csv" }
"""
    recipe = read_recipe(written(tmp_path / "r.toml", text))
    assert recipe.then is not None
    catalog = Catalog.load()
    jobs = JobSequence(request_of(recipe.job(name="first"), catalog), catalog)
    with pytest.raises(OptionInvalid, match="first has no head 'nobody'"):
        jobs.add(recipe.then.job(), "nobody")
    follower = jobs.add(recipe.then.job(), recipe.then.head)
    assert follower.model == "sharer/first.b"
    again = read_recipe(written(tmp_path / "again.toml", recipe_of(jobs.requests[0], tmp_path, [follower]))).then
    assert again is not None
    assert again.head == "b"


def test_relative_paths_are_of_the_folder_of_the_recipe(tmp_path: Path) -> None:
    recipe = written(tmp_path / "r.toml", 'model = "m"\n[source]\ndata = "rows.csv"\neval = "../held.csv"\n')
    (source,) = read_recipe(recipe).sources

    assert (source.data, source.eval_data) == (str(tmp_path / "rows.csv"), str(tmp_path / "../held.csv"))
    own = recipe_of(request(data=DataRequest(path=str(tmp_path / "data" / "rows.csv"))), tmp_path)
    assert 'data = "data/rows.csv"' in own


SOURCE = '\n[source]\ndata = "rows.csv"\n'


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("model = \n", "line 1: Invalid value", "TOML"),
        (SOURCE, "names no model", "model ="),
        ('model = "echo"\n', "says nothing of the data", "[source]"),
        ('model = "echo"\n\nmodle = 3' + SOURCE, "line 3: there is no 'modle'", "model"),
        ("model = 3" + SOURCE, "line 1: model is a whole number, but takes text", ""),
        ('model = "echo"' + SOURCE + "weight = true\n", "line 4: weight is true or false, but takes a number", ""),
        ('model = "echo"\n[source]\ntask = "x"\n', "line 2: [source] names no data", ""),
        ('model = "echo"\n[sources]\na = "x.csv"\n', "line 3: a is text, but takes a table", ""),
        ('model = "echo"\n[options]\nepochs = [1]' + SOURCE, "line 3: epochs is a list", ""),
        ('model = "echo"\n[options]\nepochz = 1' + SOURCE, "line 3: there is no option 'epochz'", "--epochs"),
        ('model = "echo"\n[options]\nepochs = -1' + SOURCE, "line 3: ", "epochs"),
        ('model = "ecco"' + SOURCE, "line 1: there is no model 'ecco'", "echo"),
        ('verb = "pretrain"\nmodel = "echo"' + SOURCE, "line 1: the recipe is to pretrain", "zoo pretrain --recipe"),
        ('model = "echo"\n[source]\ndata = "nowhere.csv"\n', "line 3: ", "nowhere.csv"),
        ('model = "echo"\n[source]\ndata = "rows.csv"\ntask = "image-classification"\n', "line 4: ", "image-cl"),
    ],
)
def test_what_is_wrong_has_one_message_with_the_line(
    text: str, message: str, hint: str, echo: None, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = written(tmp_path / "r.toml", text.replace("rows.csv", str(rows)))
    assert main(["finetune", "--recipe", str(recipe), *HERE]) != 0
    error = capsys.readouterr().err
    assert message in error
    assert hint in error
    assert error.count("error: ") == 1
    assert "Traceback" not in error


def test_a_recipe_that_is_not_there_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", "--recipe", "nowhere.toml"]) != 0
    assert "the recipe nowhere.toml cannot be read: No such file" in capsys.readouterr().err
    with pytest.raises(OptionInvalid, match="nowhere"):
        zoo.run_recipe("nowhere.toml")


@pytest.mark.slow
def test_the_recipe_of_a_run_does_it_again_and_flags_override_it(echo: None, rows: Path, tmp_path: Path) -> None:
    run = zoo.finetune("echo", rows, name="mine", seed=3, device="cpu", precision="fp32").wait(progress=False)
    recipe = str(run.folder.path / "recipe.toml")
    assert main(["finetune", "--recipe", recipe, "--name", "again"]) == 0
    again, first = zoo.open_run("again"), run.folder.request
    for field in ("model", "task", "data", "options", "device", "precision"):
        assert getattr(again.folder.request, field) == getattr(first, field)
    assert again.metrics == run.metrics

    other = tmp_path / "other.csv"
    other.write_bytes(rows.read_bytes())
    assert main(["finetune", "--recipe", recipe, "--name", "other", "--seed", "4", "--data", str(other)]) == 0
    changed = zoo.open_run("other").folder.request
    assert (changed.options["seed"], changed.data.path) == (4, str(other))
    from_python = zoo.run_recipe(recipe, seed=5).wait(progress=False)
    assert from_python.folder.request.options == {**first.options, "seed": 5}
