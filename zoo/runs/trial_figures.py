"""What a dry run has measured of a training, in this process and on this machine."""

from __future__ import annotations

import msgspec

BETTER = 0.5
"""Share of evaluations that are taken to be the best so far, whose weights are written."""
SAVES_EVERY_S = 60.0
"""Between two checkpoints, where nobody says how many steps lie between them."""


class TrialFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Costs of the parts of a training; of several processes those of the first, bytes in memory apart."""

    first_step_s: float
    """The first step, with all that is made once: kernels, moments of the optimizer, the size of the micro-batch."""
    step_s: float
    """Mean of a step, over steps from the cheapest to the dearest of the whole training."""
    epoch_steps: int
    """Steps in which as many examples are learnt from as there are rows."""
    measured_steps: int
    """How many steps were taken for that, the first apart."""
    shapes_s: float = 0.0
    """What batches of new shapes take beyond that, in all: libraries compile kernels for each."""
    body_s: float = 0.0
    """To ask a body that is not trained about all rows once; 0 where it is asked in every step."""
    evaluation_s: float = 0.0
    """One evaluation of all rows held out."""
    evaluations: int = 0
    """How many there are, where none comes early."""
    fold_steps: int = 0
    """Steps of a training without the rows of one fold; 0 where there are no folds."""
    fold_evaluations: int = 0
    """Evaluations of that."""
    checkpoint_bytes: int = 0
    checkpoint_s: float = 0.0
    """To write one."""
    save_steps: int | None = None
    """Steps between two checkpoints; None where there is one a minute."""
    best_bytes: int = 0
    """Of the weights of the best evaluation, which are kept beside the checkpoints."""
    best_s: float = 0.0
    """To write these."""
    result_bytes: int = 0
    writing_bytes: int = 0
    """The most that the result takes while it is written: heads on one body are whole at first."""
    result_s: float = 0.0
    """To write it."""
    worker_bytes: int = 0
    """The most memory of the machine that the worker had at once; of several processes, all of them on one machine."""
    worker_limit_bytes: int = 0
    """What they could have had: what they have, and what is free."""

    @property
    def first_s(self) -> float:
        """Until the first step is done, once all is read and built."""
        return self.body_s + max(self.first_step_s, self.step_s)

    def learning_s(self, steps: int) -> float:
        """To take all steps and to evaluate; checkpoints apart.

        Args:
            steps: of the training.
        """
        evaluations_s = self.evaluations * (self.evaluation_s + BETTER * self.best_s)
        return self.first_s + (steps - 1) * self.step_s + self.shapes_s + evaluations_s

    def saves(self, steps: int) -> int:
        """How many checkpoints are written; arguments as above."""
        return int(self.learning_s(steps) // SAVES_EVERY_S) if self.save_steps is None else steps // self.save_steps

    def training_s(self, steps: int) -> float:
        """From the first step to the result, checkpoints included; arguments as above."""
        return self.learning_s(steps) + self.saves(steps) * self.checkpoint_s + self.result_s
