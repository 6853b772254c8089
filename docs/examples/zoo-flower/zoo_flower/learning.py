"""A round at a site: the weights of all in, `zoo finetune` on the rows of the site, its weights out.

Here is neither zoo nor torch: zoo is a command of another environment, and both sides exchange safetensors.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

TENSORS = "model.safetensors"
ASKED = ("--epochs", "--max-steps", "--lr", "--method", "--batch-size", "--micro-batch-size", "--device")
"""What the server may choose of `zoo finetune`; which rows a site reads, and what else its machine does, it may not."""
Weights = dict[str, NDArray[Any]]


class Site:
    """A site with data of its own.

    Args:
        folder: of the site; what passes between it and zoo is written there.
        model: that all begin from, as `zoo export` wrote it.
        data: the site's rows; they stay where they are.
        zoo: the command.
    """

    def __init__(self, folder: Path, model: Path, data: str, zoo: str = "zoo") -> None:
        self._folder, self._data, self._zoo = folder, data, zoo
        self._model = folder / "model-of-all"
        shutil.rmtree(self._model, ignore_errors=True)  # it may be that of an earlier federation
        shutil.copytree(model, self._model)

    def learn(
        self, weights: Mapping[str, NDArray[Any]], number: int, options: str = ""
    ) -> tuple[Weights, int, dict[str, float]]:
        """Learn from the rows of the site for one round.

        Args:
            weights: of all.
            number: of the round.
            options: of `zoo finetune`, as typed; those of `ASKED`.

        Returns:
            The weights that came out, by how many rows, and the figures on the rows that the site holds out.

        Raises:
            ValueError: the weights are not those of the model, or an option is not for the server to choose.
            RuntimeError: zoo failed, with its one line.
        """
        asked = checked_options(options)
        save(weights, self._model)
        # the same name each time, and its weights as they are now
        name = self._answer("pull", str(self._model))["model"]
        run = f"round-{number}-of-{self._folder.name}"
        subprocess.run([self._zoo, "rm", run, "--yes"], capture_output=True, check=False)  # what an earlier try left
        words = ["--data", self._data, "--name", run, "--seed", str(number), *asked]
        snapshot = self._answer("finetune", name, *words)["snapshot"]
        learnt = self._folder / "learnt"
        shutil.rmtree(learnt, ignore_errors=True)
        self._call("export", run, str(learnt))
        self._call("rm", run, "--yes")
        after = load_file(learnt / TENSORS)
        check(after, weights)
        return after, snapshot["train_rows"], snapshot["metrics"]

    def _answer(self, *words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._call(*words, "--json"))
        return answer

    def _call(self, *words: str) -> str:
        done = subprocess.run([self._zoo, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"zoo {words[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
        return done.stdout


def checked_options(options: str) -> list[str]:
    """The words of options, each followed by its value.

    Raises:
        ValueError: one is not for the server to choose.
    """
    words = shlex.split(options)
    flags, values = words[::2], words[1::2]
    if len(flags) != len(values) or not set(flags) <= set(ASKED) or any(value.startswith("-") for value in values):
        raise ValueError(f"options={options!r}: the server may choose {', '.join(ASKED)}, each with a value after it")
    return words


def save(weights: Mapping[str, NDArray[Any]], folder: Path) -> None:
    """Put weights into the place of those of a model, in the types of these: means of counters are no integers.

    Raises:
        ValueError: they are not those of the model.
    """
    before = load_file(folder / TENSORS)
    check(weights, before)
    tensors = {name: np.require(array, before[name].dtype, "C") for name, array in weights.items()}
    save_file(tensors, folder / TENSORS, {"format": "pt"})


def check(weights: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> None:
    """Insist on the same tensors, and on numbers.

    Raises:
        ValueError: they are others.
    """
    if {name: array.shape for name, array in weights.items()} != {name: one.shape for name, one in expected.items()}:
        raise ValueError("other tensors than those of the model: a site whose labels are others has another head")
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise ValueError("some weights are no numbers")
