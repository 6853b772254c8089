"""From the weights of a training to its result: the best of all, and where it is asked for the best of a source."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn

from zoo.runs.heads import BODY_FILE, split
from zoo.runs.result import HEADS, OF_ITS_OWN
from zoo.training.checkpoint import Progress
from zoo.training.methods import Method
from zoo.training.recovery import Recovery
from zoo.training.setup import TrainingSetup
from zoo.training.sharing import share
from zoo.training.source import SharedNetwork, begin
from zoo.training.standing import results


def export(setup: TrainingSetup, recovery: Recovery, progress: Progress) -> None:
    """Write the result; of several sources, each with its head into a folder of its own.

    Args:
        setup: of the training.
        recovery: has the weights of the best evaluations.
        progress: at the end.
    """
    folder, best, sources = setup.run.model_folder, progress.best, setup.sources
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    apart = [_export_own_best(setup, recovery, progress, name, step) for name, step in _elsewhere(setup, progress)]
    if best is not None and (apart or best.step != progress.step):
        recovery.load_best(best.step)
    metrics = [one.metrics for one in results(sources, progress)] or [best.metrics if best else {}]
    for number, of_source in enumerate(metrics):
        _conclude(setup, setup.method, number, of_source)
    module = setup.method.finish(folder).to("cpu", torch.float32).eval()
    if len(sources) == 1:
        sources[0].objective.export(module, folder)
        return
    assert isinstance(module, SharedNetwork)
    for source, network in zip(sources, module.networks, strict=True):
        part = folder / HEADS / source.name
        part.mkdir(parents=True)
        source.objective.export(network, part)
    share(folder)
    for part in apart:
        head = part.rename(folder / HEADS / part.name)
        split(head, folder / HEADS / sources[0].name / BODY_FILE)
        part.parent.rmdir()


def _conclude(setup: TrainingSetup, method: Method, number: int, metrics: dict[str, float]) -> None:
    """Tell the objective of a source that the weights are settled."""
    prefix = f"networks.{number}." if len(setup.sources) > 1 else ""
    setup.sources[number].objective.conclude(metrics, partial(_trained, method, prefix))


def _trained(method: Method, prefix: str, name: str) -> nn.Module:
    return method.trained(prefix + name)


def _elsewhere(setup: TrainingSetup, progress: Progress) -> list[tuple[str, int]]:
    """The sources whose own best is kept, and its step, where that is not the best of all."""
    best: Mapping[str, int] = progress.own_best
    elsewhere = []
    for name, step in best.items():
        if progress.best is not None and progress.best.step == step:
            setup.run.note(f"{name}: its best step is that of all, {step}, so it is not kept apart")
        else:
            elsewhere.append((name, step))
    return elsewhere


def _export_own_best(setup: TrainingSetup, recovery: Recovery, progress: Progress, name: str, step: int) -> Path:
    """Write the head of a source with the body of its own best step; returns the folder, which is whole."""
    number = next(i for i, source in enumerate(setup.sources) if source.name == name)
    recovery.load_best(step)
    method = setup.method.to_finish_apart()
    (metrics,) = (one.metrics[number] for one in progress.history if one.step == step)
    _conclude(setup, method, number, metrics)
    folder = setup.run.model_folder / f"apart-{name}" / f"{name}{OF_ITS_OWN}"
    folder.mkdir(parents=True)
    module = method.finish(folder).to("cpu", torch.float32).eval()
    setup.sources[number].objective.export(module.get_submodule(f"networks.{number}"), folder)
    begin(setup.sources, setup.method.module)  # what was put back for this is left out again, as in what is kept
    return folder
