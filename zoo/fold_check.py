"""Whether a job can be cross-validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.data.layout import parts_of
from zoo.errors import OptionInvalid
from zoo.job_paths import existing
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
    held_out = _held_out(job)
    reasons = {
        f"zoo {job.verb} makes no model by itself": job.verb != "finetune",
        "there are several sources": len(options) > 1,
        f"{processes} processes learn together": processes > 1,
        "a teacher's answers are learnt, too": bool(job.source.teacher),
        "--eval names the rows that judge": job.source.eval_data not in (None, ""),
        f"the data hold out rows of their own, in {held_out}": bool(held_out),
        f"nothing judges answers to {tasks[0]}": not get_task(tasks[0]).judged,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    if reason:
        raise OptionInvalid(f"--folds lets each row be judged by what the others teach, but {reason}", "leave it out")


def _held_out(job: Job) -> str:
    """The name of the part that data keep for evaluation; empty where they are one part."""
    if job.source.data in (None, ""):
        return ""
    part = parts_of(existing(job.source.data)).eval
    return part.name if part else ""
