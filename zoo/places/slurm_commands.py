"""What the commands of Slurm are asked, and what they say."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence

from zoo.places.place import JobState
from zoo.sanitize import one_line

Listing = Mapping[str, tuple[str, str]]
"""State and reason of jobs, by their ids."""
ASK_TIMEOUT_S = 30.0
MOST_IN_ARRAY = 1_000
"""Where Slurm does not say how many jobs an array may have."""
MOST_NAMED = 500
"""Jobs, or arrays, that one `scancel` is told of."""
_LISTING = ("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%r")
_NO_SUCH_JOB = "Invalid job id"
_ENDED = (_NO_SUCH_JOB, "already completing or completed")
"""What `scancel` says of jobs of which nothing is left to be ended."""
_RUNNING = ["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"]
_WAITING = ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"]
_ENDINGS = {
    "TIMEOUT": "its time there was over",
    "NODE_FAIL": "a node of it has failed",
    "CANCELLED": "it was cancelled there",
    "PREEMPTED": "another job took its place",
    "OUT_OF_MEMORY": "it needed more memory than it had been given",
    "BOOT_FAIL": "its node did not start",
    "DEADLINE": "its deadline had come",
    "REVOKED": "another cluster took it over",
}
"""Words of Slurm for jobs that somebody or something has ended, in plain ones."""
_REASONS = {
    "Resources": "what it needs is in use",
    "Priority": "other jobs come before it",
    "Dependency": "another job has to end first",
    "BeginTime": "it was put back, and may begin within some minutes",
    "PartitionConfig": "no nodes of the partition have what it asks for",
    "PartitionNodeLimit": "the partition gives a job fewer nodes",
    "PartitionTimeLimit": "the partition gives a job less time",
    "PartitionDown": "the partition begins no jobs",
    "ReqNodeNotAvail": "nodes that it needs are down",
    "JobHeldUser": "it is held: scontrol release JOB",
    "JobHeldAdmin": "an administrator holds it",
}
"""Why a job waits, likewise."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command of Slurm; one that is missing, or hangs, has failed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ASK_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def jobs_of_mine() -> Listing | None:
    """All jobs of this person that Slurm has in mind; None where it is silent."""
    process = run(*_LISTING, "--me")
    return None if process.returncode else _listed(process.stdout)


def job_named(id: str) -> Listing | None:
    """A job, whosever it is; none where Slurm has it in mind no more, None where it is silent."""
    process = run(*_LISTING, f"--jobs={id}")
    if process.returncode:
        return {} if _NO_SUCH_JOB in process.stderr else None
    return _listed(process.stdout)


def _listed(listing: str) -> Listing:
    fields = (line.split("|", 2) for line in listing.splitlines())
    return {job_id: (word, reason) for job_id, word, reason in (one for one in fields if len(one) == 3)}


def past_state(id: str) -> JobState:
    """How a job has ended that is in no listing, where accounts are kept."""
    process = run("sacct", "--noheader", "--allocations", "--parsable2", "--format=State", f"--jobs={id}")
    words = [] if process.returncode else process.stdout.split()
    return state_of(words[0], "") if words else JobState(phase="ended", reason="Slurm knows it no more")


def state_of(word: str, reason: str) -> JobState:
    """A word of Slurm, such as RUNNING or `CANCELLED by 0`, as what it means for a job."""
    word = word.rstrip("+")
    if word in _RUNNING:
        return JobState(phase="running", word=word)
    if word in _WAITING:
        why = "" if reason in ("None", "") else one_line(reason)
        known = f" ({_REASONS[why]})" if why in _REASONS else ""
        return JobState(phase="waiting", word=word, reason=f"{why}{known}")
    if word in _ENDINGS:
        return JobState(phase="ended", word=word, reason=_ENDINGS[word], interrupted=True)
    return JobState(phase="ended", word=word, reason=f"it has {word.lower()}")


def cancel(ids: Sequence[str]) -> list[str]:
    """End jobs by one `scancel`, or by a few where they are of very many arrays.

    Returns:
        What that said of those that it did not end.
    """
    named, said = _by_array(ids), list[str]()
    for first in range(0, len(named), MOST_NAMED):
        process = run("scancel", *named[first : first + MOST_NAMED])
        if process.returncode:
            lines = [line.removeprefix("scancel: error: ") for line in process.stderr.splitlines()]
            lines = lines or [f"scancel ended with {process.returncode}, without a word"]
            said += [one_line(line) for line in lines if not any(one in line for one in _ENDED)]
    return said


def _by_array(ids: Sequence[str]) -> list[str]:
    """Jobs as `scancel` takes them, those of an array in one word."""
    arrays: defaultdict[str, list[str]] = defaultdict(list)
    alone = [one for one in ids if "_" not in one]
    for array, _, index in (one.partition("_") for one in ids if "_" in one):
        arrays[array].append(index)
    return [*alone, *(f"{array}_[{','.join(indices)}]" for array, indices in arrays.items())]


def most_in_array() -> int:
    """How many jobs an array of the cluster may have, as far as it says so."""
    process = run("scontrol", "show", "config")
    size = re.search(r"^MaxArraySize\s*=\s*(\d+)", process.stdout, re.MULTILINE)
    tasks = re.search(r"\bmax_array_tasks=(\d+)", process.stdout)
    most = int(size[1]) - 1 if size else MOST_IN_ARRAY  # the first of them is 0
    return max(1, min(most, int(tasks[1]) if tasks else most))


def refusal(error: str) -> str:
    """What sbatch said, without the words around it."""
    lines = [line.strip() for line in error.splitlines() if "sbatch:" in line]
    return one_line("; ".join(line.removeprefix("sbatch: error: ") for line in lines) or error)


def is_of_array(reason: str) -> bool:
    """Whether sbatch refused an array for its size."""
    return "invalid job array specification" in reason.lower()


def is_of_many(reason: str) -> bool:
    """Whether it refused what a person has as many of as an account, or a quality of service, allows."""
    return any(words in reason.lower() for words in ("job submit limit", "submitjob"))
