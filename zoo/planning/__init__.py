"""What a training takes - memory, time, disk, bytes to fetch - before it is begun."""

from zoo.planning.duration import read_duration
from zoo.planning.machine import Machine, this_machine
from zoo.planning.making import bytes_to_fetch, plan_of
from zoo.planning.plan import Disk, Memory, Plan, PlanWarning, Times

__all__ = (
    "Disk",
    "Machine",
    "Memory",
    "Plan",
    "PlanWarning",
    "Times",
    "bytes_to_fetch",
    "plan_of",
    "read_duration",
    "this_machine",
)
