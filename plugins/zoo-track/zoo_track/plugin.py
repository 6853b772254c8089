"""Wrapper hooks around the trainings of all plugins: what they tell goes to the tracker of the setting, too."""

from __future__ import annotations

from collections.abc import Generator

import zoo

IN_THE_FOLDER = "tensorboard"
"""The tracker that writes into the folder of the run, which is not to be shared where it is private."""


@zoo.hookimpl(wrapper=True)
def pretrain(run: zoo.TrainingRun) -> Generator[None, zoo.Trainable, zoo.Trainable]:
    """Track a pretraining."""
    return _tracked(run, (yield))


@zoo.hookimpl(wrapper=True)
def finetune(run: zoo.TrainingRun) -> Generator[None, zoo.Trainable, zoo.Trainable]:
    """Track a fine-tuning, on however many processes or clients."""
    return _tracked(run, (yield))


def _tracked(run: zoo.TrainingRun, trainable: zoo.Trainable) -> zoo.Trainable:
    from zoo_track.record import tracker_of

    # Trainings within another job, such as those of baselines and shadows, have folders without a worker.
    if run.rank or run.dry_run or not (run.folder / "worker.json").exists():
        return trainable
    name = tracker_of(run.folder)
    if not name:
        return trainable
    if run.is_private and name != IN_THE_FOLDER:
        run.warn(
            f"{name} is told nothing of a private run, whose losses and figures are exact and may name clients; "
            f"ZOO_TRACKER={IN_THE_FOLDER} writes them into the folder of the run"
        )
        return trainable
    from zoo_track.tracked import Tracked

    return Tracked(trainable, name)
