"""The server: Flower's mean of the weights of all, round after round."""

from __future__ import annotations

import shutil
from pathlib import Path

from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file

from zoo_flower.learning import TENSORS, save

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Begin with the model that was exported, and leave a folder like it.

    Raises:
        FileExistsError: there is something where that is to be.
        RuntimeError: no site answered.
    """
    asked = context.run_config
    model, result, sites = Path(str(asked["model"])), Path(str(asked["result"])), int(asked["sites"])
    result.mkdir(parents=True, exist_ok=True)  # before all the rounds: it can be written
    if any(result.iterdir()):
        raise FileExistsError(f"result={str(result)!r} is not empty: name another folder, or take it away")
    first = ArrayRecord({name: Array(array) for name, array in load_file(model / TENSORS).items()})
    strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=sites, min_available_nodes=sites)
    last = strategy.start(grid, first, num_rounds=int(asked["rounds"]))
    if not last.arrays:
        raise RuntimeError("no site answered: their own words are in what flower-supernode says")
    shutil.copytree(model, result, dirs_exist_ok=True)
    save({name: array.numpy() for name, array in last.arrays.items()}, result)
