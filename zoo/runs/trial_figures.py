"""What a dry run has measured of a training, in this process and on this machine."""

from __future__ import annotations

import msgspec


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
    """The most memory of the machine that the worker had at once; of several processes, all of them."""
    worker_limit_bytes: int = 0
    """What they could have had: what they have, and what is free."""
