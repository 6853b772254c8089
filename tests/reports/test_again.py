"""Commands that do a run again."""

from __future__ import annotations

import ast
import inspect
import shlex
from pathlib import Path

import msgspec

import zoo
from zoo.reports.again import commands
from zoo.runs.request import DataRequest, RunRequest, StudentRequest
from zoo.runs.store import RunFolder


def request_of(verb: str, model: str) -> RunRequest:
    return RunRequest(
        name="before",
        verb=verb,  # type: ignore[arg-type]
        model=model,
        plugin="bert",
        task="text-classification",
        data=DataRequest(path="/rows.csv", eval_path="/test.csv", columns={"input": "said"}),
        requested_device="cpu",
        requested_precision="fp32",
        picking={"under": "1GB", "finalists": 3, "seed": 0} if verb == "pick" else {},
    )


def test_one_is_picked_again_of_the_same_models(store: Path) -> None:
    trainings = [request_of("finetune", f"bert/{name}") for name in ("bert-tiny", "bert-small")]
    students = tuple(StudentRequest(name=one.model.partition("/")[2], training=one) for one in trainings)
    request = msgspec.structs.replace(request_of("pick", "bert/bert-small"), students=students)
    (_, replay), (_, command), (_, code) = commands(RunFolder(store / "runs" / "before"), request)

    assert replay == "zoo replay before"
    words = shlex.split(command)
    assert words[:6] == ["zoo", "pick", "--data", "/rows.csv", "--input", "said"]
    flags = dict(zip(words[6::2], words[7::2], strict=True))
    assert flags == {
        "--test": "/test.csv",
        "--task": "text-classification",
        "--device": "cpu",
        "--precision": "fp32",
        "--under": "1GB",
        "--finalists": "3",
        "--seed": "0",
        "--models": "bert/bert-tiny,bert/bert-small",
    }
    call = next(node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    given = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
    bound = inspect.signature(zoo.pick).bind(*map(ast.literal_eval, call.args), **given)
    assert bound.arguments["data"] == "/rows.csv"
    assert bound.arguments["columns"] == {"input": "said"}
