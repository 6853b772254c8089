"""Trying a training with many settings, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.api.run import Run
from zoo.api.starting import start
from zoo.jobs import NOW
from zoo.options import read
from zoo.recipes import read_recipe
from zoo.sweeps import sweep_request


def sweep(
    recipe: str | Path,
    *,
    vary: Mapping[str, Any] = {},
    strategy: str | None = None,
    trials: int | None = None,
    finalists: int | None = None,
    ties: str | None = None,
    metric: str | None = None,
    seed: int | None = None,
    name: str = "",
    device: str = "",
    precision: str = "",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
) -> Run:
    """Try the fine-tuning of a recipe with many settings, in a worker process, and keep what comes of the best.

    The rows that the training evaluates on choose. What its table `sweep` says holds where nothing else is given here.
    `Run.candidates` has a row for each trial: its settings, its figure with the interval, what it took.

    Args:
        recipe: a TOML file, such as the `recipe.toml` in the folder of a run.
        vary: what varies, by the names of options: a list or an array of values, a range as
            `{"low": 1e-5, "high": 1e-3}` (with `scale`, `log` or `linear`), or a text that says either (`1e-5,3e-5`,
            `1e-5..1e-3`, `1e-5..1e-3:log`).
        strategy: grid, random or halving; grid if not given, or random where an option has a range.
        trials: how many are drawn.
        finalists: how many learn from all rows in the end, of halving.
        ties: `cheaper` takes the cheapest of those that no test tells apart from the best, `best` that one.
        metric: the figure that decides; that of the task if not given.
        seed: of which trials are drawn.
        name: of the run and of the model that comes of the best.
        device: where all compute; as the recipe says if not given.
        precision: likewise.
        on: the place where trials are trained, several at once; those of a round are one array, where it has those.
        requeue: whether trials that this place has ended are begun again there.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.

    Raises:
        ZooError: the recipe cannot be read, or what it says cannot be done or cannot vary so; with the line.
    """
    sweeping = {
        "strategy": strategy,
        "trials": trials,
        "finalists": finalists,
        "ties": ties,
        "metric": metric,
        "seed": seed,
    }
    place = {"device": device, "precision": precision, "on": on, "requeue": requeue or None}
    request = sweep_request(read_recipe(recipe), vary, sweeping, name=name, place=place)
    return start(request, now=bool(read(NOW, now)))
