"""What the models beside the result of a training take: as many as folds, each without the rows that it judges."""

from __future__ import annotations

import msgspec

from zoo.planning.plan import Disk
from zoo.runs.trial_figures import TrialFigures

FORWARD = 1 / 3
"""Of a step that trains, what a pass without gradients takes (Kaplan et al. 2020, arXiv:2001.08361, section 2.1)."""


def folds_s(count: int, trial: TrialFigures, train_rows: int, eval_rows: int) -> float:
    """Seconds that they take: each learns, is written and loaded again, and together they answer all rows once.

    Args:
        count: of the folds; 0 for none.
        trial: what was measured of the training of the result.
        train_rows: that this learns from.
        eval_rows: that it holds out.
    """
    if not count:
        return 0.0
    share = (count - 1) / count
    one = msgspec.structs.replace(
        trial,
        first_step_s=trial.step_s,  # kernels are made by then
        shapes_s=0.0,
        body_s=share * trial.body_s,
        evaluation_s=share * trial.evaluation_s,
        evaluations=trial.fold_evaluations,
    )
    if eval_rows:
        answering_s = trial.evaluation_s * (train_rows + eval_rows) / eval_rows
    else:
        answering_s = FORWARD * trial.epoch_steps * trial.step_s
    loading_s = trial.result_s
    return count * (one.training_s(trial.fold_steps) + loading_s) + trial.body_s + answering_s


def disk_with_folds(count: int, disk: Disk) -> Disk:
    """The disk of a training whose folds have a model each until all rows are answered.

    Args:
        count: of the folds; 0 for none.
        disk: of the training of the result.
    """
    if not count:
        return disk
    of_result = disk.needed_bytes
    before = (count - 1) * disk.result_bytes
    return msgspec.structs.replace(disk, needed_bytes=2 * of_result + before)
