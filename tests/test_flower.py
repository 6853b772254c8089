"""The example of Flower: two sites and a server's mean in an environment of their own, which call this zoo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import zoo
from tests.end_to_end.test_shrink import CPU, write_messages
from tests.wheel_factory import ROOT, build_wheel
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.wheels, pytest.mark.timeout(580)]
PROJECT = ROOT / "docs" / "examples" / "zoo-flower"


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with Flower and the example, and neither zoo nor torch."""
    venv = tmp_path_factory.mktemp("flower") / "venv"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(venv)], check=True)
    wheel = build_wheel(PROJECT, venv)
    words = ["uv", "pip", "install", "-q", "--python", str(venv / "bin" / "python"), str(wheel)]
    installed = subprocess.run(words, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"Flower cannot be installed here: {installed.stderr.strip().splitlines()[-1]}")
    return venv / "bin"


ROUND = """
import sys

from types import SimpleNamespace

from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.serverapp.strategy import FedAvg
from flwr.supercore.task_identity import TaskIdentity
from safetensors.numpy import load_file

from zoo_flower import server_app
from zoo_flower.client_app import app

model, zoo, result, *folders = sys.argv[1:]
TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 0  # which its server sets
first = ArrayRecord({name: Array(array) for name, array in load_file(f"{model}/model.safetensors").items()})
replies = []
for number, folder in enumerate(folders, 1):
    own = {"folder": folder, "model": model, "data": f"{folder}/rows.csv", "zoo": zoo}
    asked = {"options": "--max-steps 4 --lr 0.002 --device cpu"}
    message = Message(
        RecordDict({"arrays": first, "config": ConfigRecord({"server-round": 1})}),
        dst_node_id=number,
        message_type="train",
    )
    context = Context(run_id=1, node_id=number, node_config=own, state=RecordDict(), run_config=asked)
    replies.append(app(message, context))
arrays, figures = FedAvg().aggregate_train(1, replies)
assert "accuracy" in figures
told = {"model": model, "result": result, "sites": len(folders), "rounds": 1}
context = Context(run_id=1, node_id=0, node_config={}, state=RecordDict(), run_config=told)
for answered in (ArrayRecord({}), arrays):  # no site answers; then all do
    server_app.FedAvg.start = lambda *_, **__: SimpleNamespace(arrays=answered)
    try:
        server_app.main(None, context)
    except RuntimeError as error:
        assert not answered and "no site answered" in str(error)
try:
    server_app.main(None, context)
except FileExistsError as error:
    print(error)
"""
"""What Flower's server and its nodes do in a round, in one process."""


def test_two_sites_learn_by_flower(flower: Path, store: Path, tmp_path: Path) -> None:
    """Each lets zoo learn from its rows, and Flower's mean of both is a model that zoo reads."""
    rows = write_messages(tmp_path / "all.csv", 60, seed=1)
    options = {"max_steps": 4, "lr": 2e-3, "max_tokens": 16, "eval_share": 0.0}
    first = zoo.finetune("bert-tiny", rows, name="first", **CPU, **options).wait(progress=False)
    model, result = zoo.export(first.name, tmp_path / "model"), tmp_path / "result"
    sites = [tmp_path / name for name in ("north", "south")]
    for number, site in enumerate(sites):
        site.mkdir()
        write_messages(site / "rows.csv", 40, seed=2 + number)
    command = shutil.which("zoo", path=str(Path(sys.executable).parent))
    assert command is not None

    words = [str(flower / "python"), "-c", ROUND, str(model), command, str(result)]
    environment = {**os.environ, "FLWR_TELEMETRY_ENABLED": "0", "ZOO_DEVICE": "cpu"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [*words, *map(str, sites)], capture_output=True, text=True, env=environment, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "is not empty" in done.stdout  # where a result is, no other one is learnt

    before, after = load_file(model / "model.safetensors"), load_file(result / "model.safetensors")
    assert before.keys() == after.keys()
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert ["first"] == [path.name for path in (store / "runs").iterdir()]  # a round leaves none behind
    assert main(["pull", str(result)]) == ExitCode.OK
    assert isinstance(zoo.load("result", **CPU).predict("my parcel is late"), zoo.Classification)
