"""`zoo plan`, as a person types it, and from Python."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

import zoo
from tests.cli.test_run_commands import HERE, type_in
from zoo.cli import main

MESSAGES = str(files("zoo") / "quickstart" / "customer_messages_train.csv")


@pytest.mark.slow
def test_a_plan_of_a_real_model_has_all_figures(store: Path) -> None:
    pytest.importorskip("zoo_bert")
    done = type_in("plan", "bert-tiny", "--data", MESSAGES, "--max-steps", "9", "--within", "1s", "--json", *HERE)

    assert (0, []) == (done.returncode, list((store / "runs").iterdir()))
    plan = json.loads(done.stdout)
    assert (9, 0) == (plan["steps"], plan["fetch_bytes"])
    assert 0 < plan["time"]["start_s"] < plan["time"]["first_step_s"] < plan["time"]["total_s"]
    assert plan["memory"]["worker_bytes"] > 50_000_000
    assert plan["memory"]["worker_limit_bytes"] > 50_000_000  # less than what is taken, where the machine is full
    assert 1_000_000 < plan["disk"]["result_bytes"] < plan["disk"]["free_bytes"]
    assert "more than 1.0s" in plan["warnings"][0]["what"]
    assert plan["command"].startswith("zoo finetune bert/bert-tiny --data ")
    assert "--max-steps 9" in plan["command"]


def test_a_plugin_with_a_loop_of_its_own_has_steps_alone(echo: None, rows: Path, store: Path) -> None:
    done = type_in("plan", "echo", "--data", str(rows), *HERE)

    assert done.returncode == 0
    for phrase in (
        "36 of 1 row, 1 epoch",
        "4 held out",
        "not known: this plugin trains by a loop of its own",
        "machine",
    ):
        assert phrase in done.stdout
    assert f"begin it: zoo finetune echo/echo --data {rows}" in done.stderr
    assert list((store / "runs").iterdir()) == []


def test_data_of_python_are_planned_with_and_gone(echo: None, store: Path) -> None:
    plan = zoo.plan("echo", {"text": ["good", "bad"] * 20, "label": ["a", "b"] * 20}, device="cpu", precision="fp32")

    assert plan.train_rows + plan.eval_rows == 40
    assert plan.command.startswith("zoo finetune echo/echo --data DATA ")
    assert list((store / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--within", "soon"), "--within is 'soon', which is no time"),
        (("--epochs", "-1"), "epochs"),
        (("--pretrain",), "echo"),
    ],
)
def test_bad_input_is_one_clear_message(
    echo: None, rows: Path, store: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "echo", "--data", str(rows), *words, *HERE]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert not (store / "runs").exists() or list((store / "runs").iterdir()) == []
