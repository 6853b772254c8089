"""Whether a job can be cross-validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.errors import OptionInvalid
from zoo.jobs import Job
from zoo.tasks import get_task


def check_folds(job: Job, tasks: Sequence[str], options: Sequence[Any], processes: int) -> None:
    """Insist on a training whose rows can be dealt to folds, where that is asked for.

    Args:
        job: what is asked for.
        tasks: of its sources.
        options: of these.
        processes: that it computes in.

    Raises:
        OptionInvalid: they cannot be.
    """
    if not any(getattr(one, "folds", 0) for one in options):
        return
    reasons = {
        f"zoo {job.verb} makes no model by itself": job.verb != "finetune",
        "there are several sources": len(options) > 1,
        f"{processes} processes learn together": processes > 1,
        "a teacher's answers are learnt, too": bool(job.source.teacher),
        "--eval names the rows that judge": job.source.eval_data not in (None, ""),
        f"nothing judges answers to {tasks[0]}": not get_task(tasks[0]).judged,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    if reason:
        raise OptionInvalid(f"--folds lets each row be judged by what the others teach, but {reason}", "leave it out")
