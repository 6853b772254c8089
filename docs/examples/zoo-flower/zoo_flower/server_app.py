"""The server: Flower's mean of the weights of all, round after round."""

from __future__ import annotations

import shutil
from pathlib import Path

from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file, save_file

from zoo_flower.learning import TENSORS

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Begin with the model that was exported, and leave a folder like it."""
    asked = context.run_config
    model, result, sites = Path(str(asked["model"])), Path(str(asked["result"])), int(asked["sites"])
    first = ArrayRecord({name: Array(array) for name, array in load_file(model / TENSORS).items()})
    strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=sites, min_available_nodes=sites)
    last = strategy.start(grid, first, num_rounds=int(asked["rounds"]))
    shutil.copytree(model, result)
    save_file({name: array.numpy() for name, array in last.arrays.items()}, result / TENSORS, {"format": "pt"})
