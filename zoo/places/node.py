"""Machines that share a training: which of them this one is, and where they meet. Whoever starts them says so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import TypeVar
from zlib import crc32

import msgspec

from zoo.errors import OptionInvalid, RunFailed

NumberT = TypeVar("NumberT", int, float)

JOIN_S = 300.0
"""How long the others are waited for; libraries on a shared disk take minutes to be imported on many machines."""
LOST_S = 30.0
"""A machine that has been silent this long is gone."""
NODE_LOST = 75
"""Exit code of a machine whose part has ended because another one is gone, or did not come: it may well go on later."""
NODE_VARIABLE, MEETING_VARIABLE = "ZOO_NODE", "ZOO_NODE_MEETING"
LAUNCHER = "ZOO_LAUNCHER"
"""Variable that tells workers the process of torch's launcher, where another one may take in orphans."""
_JOIN, _LOST = "ZOO_NODE_JOIN_S", "ZOO_NODE_LOST_S"
_FIRST_PORT, _PORTS = 20_000, 12_000
"""Below those that systems give to whoever asks for any."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One of the machines that share a training."""

    index: int
    """From 0 on; the first is where all meet."""
    meeting: str
    """Host name or address of the first as the others call it, with a port where it is not to follow from the run."""
    join_s: float = JOIN_S
    """Seconds that the others are waited for."""
    lost_s: float = LOST_S
    """Seconds of silence after which one of them is gone."""
    is_dealt: bool = False
    """Whether a scheduler chose the machines, and chooses again for a further attempt as soon as it can."""

    def variables(self) -> dict[str, str]:
        """What is added to the environment of the worker on this machine."""
        return {
            NODE_VARIABLE: str(self.index),
            MEETING_VARIABLE: self.meeting,
            _JOIN: str(self.join_s),
            _LOST: str(self.lost_s),
        }


NODE_VARIABLES = (NODE_VARIABLE, MEETING_VARIABLE, _JOIN, _LOST)
"""Of the environment, that are of one machine and one run."""


def this_node(environment: Mapping[str, str] = os.environ) -> Node:
    """Which one this machine is: as the place says, or Slurm where `srun` has started the same on all of them.

    Raises:
        RunFailed: nobody says it, or what is said is no number.
    """
    join_s, lost_s = _number(environment, _JOIN, float, JOIN_S), _number(environment, _LOST, float, LOST_S)
    if NODE_VARIABLE in environment and (meeting := environment.get(MEETING_VARIABLE)):
        index = _number(environment, NODE_VARIABLE, int)
        return Node(index=index, meeting=meeting, join_s=join_s, lost_s=lost_s)
    if NODE_VARIABLE not in environment and "SLURM_NODEID" in environment:
        index, meeting = _number(environment, "SLURM_NODEID", int), _first_of_slurm(environment)
        return Node(index=index, meeting=meeting, join_s=join_s, lost_s=lost_s, is_dealt=True)
    raise RunFailed(
        "the run is shared by several machines, and nobody said which of them this one is",
        f"the place that starts it sets {NODE_VARIABLE} and {MEETING_VARIABLE}",
    )


def _number(environment: Mapping[str, str], name: str, kind: type[NumberT], usual: NumberT | None = None) -> NumberT:
    """A variable as a number, or what holds where it is not set."""
    if usual is not None and name not in environment:
        return usual
    try:
        return kind(environment[name])
    except ValueError:
        raise RunFailed(
            f"{name} is {environment[name]!r}, which is no number", "the place that starts a run sets it"
        ) from None


def _first_of_slurm(environment: Mapping[str, str]) -> str:
    """The first node of a job: where its script runs `srun`."""
    if address := environment.get("SLURM_LAUNCH_NODE_IPADDR"):
        return address
    nodes = environment.get("SLURM_JOB_NODELIST", "")
    command = ["scontrol", "show", "hostnames", nodes]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        raise RunFailed(f"Slurm does not say which node of {nodes or 'the job'} is the first: {error}") from error


def attempt_id(run: str, attempt: int, created_at: float) -> str:
    """What the machines of an attempt at a run know one another by; runs of other people and stores have others.

    Args:
        run: name of the run; most are made up, and many are called the same.
        attempt: 1 at first.
        created_at: when the run was asked for, as all of them read it.
    """
    return f"{run}-{attempt}-{crc32(repr(created_at).encode()):08x}"


def endpoint(meeting: str, attempt: str) -> tuple[str, int]:
    """Host and port where the machines of an attempt at a run meet.

    Args:
        meeting: of a node.
        attempt: as of `attempt_id`; it decides on the port, so that all find it without asking.

    Raises:
        OptionInvalid: no port has that number.
    """
    host, colon, port = meeting.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.startswith("[")):  # an address of IPv6 is all colons
        if not 0 < int(port) < 1 << 16:
            raise OptionInvalid(
                f"machines are to meet at {meeting}, and there is no port {port}", "take one up to 65535"
            )
        return host.strip("[]"), int(port)
    return meeting.strip("[]"), _FIRST_PORT + crc32(attempt.encode()) % _PORTS


def local_rank(rank: int) -> int:
    """The number of this process among those of the same machine.

    Args:
        rank: among all.
    """
    return int(os.environ.get("LOCAL_RANK", rank))


def local_world_size(world_size: int) -> int:
    """How many processes of the run are on this machine.

    Args:
        world_size: how many there are.
    """
    return int(os.environ.get("LOCAL_WORLD_SIZE", world_size)) if world_size > 1 else 1


def is_lost_connection(error: BaseException) -> bool:
    """Whether an error says no more than that a process could not reach another one."""
    if type(error).__name__ in ("DistBackendError", "DistNetworkError", "DistStoreError"):
        return True
    words = ("gloo", "connection closed by peer", "connection reset by peer")
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
