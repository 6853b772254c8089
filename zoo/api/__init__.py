"""zoo from Python: the same verbs as on the command line.

model = zoo.load("all-minilm-l6-v2")
model.predict(["a sentence"])

run = zoo.finetune("all-minilm-l6-v2", data="train.csv", epochs=3)
run.wait()
run.metrics
run.model.predict(["another sentence"])
"""

from __future__ import annotations

from zoo.api.auditing import audit
from zoo.api.batch_predictor import BatchPredictor
from zoo.api.comparing import compare
from zoo.api.curving import data_curve
from zoo.api.federating import federate, join_federation, serve_federation
from zoo.api.inspecting import inspect_labels
from zoo.api.jobs import evaluate, finetune, predict_file, pretrain, run_recipe
from zoo.api.model import Model, load, models
from zoo.api.picking import pick
from zoo.api.planning import plan
from zoo.api.replaying import bundle, replay, replay_differences, start_replay
from zoo.api.result_folder import export
from zoo.api.run import Run, list_runs, open_run
from zoo.api.shrinking import shrink
from zoo.api.starting import start, start_sequence
from zoo.api.sweeping import sweep

__all__ = [
    "BatchPredictor",
    "Model",
    "Run",
    "audit",
    "bundle",
    "compare",
    "data_curve",
    "evaluate",
    "export",
    "federate",
    "finetune",
    "inspect_labels",
    "join_federation",
    "list_runs",
    "load",
    "models",
    "open_run",
    "pick",
    "plan",
    "predict_file",
    "pretrain",
    "replay",
    "replay_differences",
    "run_recipe",
    "serve_federation",
    "shrink",
    "start",
    "start_replay",
    "start_sequence",
    "sweep",
]
