"""Runs that are done again from their records: what differs before, and whether the same bits come out."""

from __future__ import annotations

from zoo.replaying.differences import Difference, differences, refusal
from zoo.replaying.outcome import Replayed, replayed
from zoo.replaying.planning import Plan, plan_of_bundle, plan_of_run
from zoo.replaying.record import RECORD, RunRecord, record_of

__all__ = [
    "RECORD",
    "Difference",
    "Plan",
    "Replayed",
    "RunRecord",
    "differences",
    "plan_of_bundle",
    "plan_of_run",
    "record_of",
    "refusal",
    "replayed",
]
