"""A Slurm cluster as a place, by way of submitit: `sbatch` on the login node, one task on each node."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.findings import Finding, fault, ok
from zoo.options import option
from zoo.places.arrays import cancel_all
from zoo.places.kinds import PlaceKind
from zoo.places.place import JobState, PlacedJob, PlaceSettings
from zoo.plurals import name_list
from zoo.sanitize import one_line
from zoo.suggestions import did_you_mean

FOLDER = "slurm"
"""In the folder of a job: the script, the pickled callable and what Slurm printed."""
ARRAY = "array"
"""In that: the same of the array that the job is part of, as a link."""
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol")
ASK_TIMEOUT_S = 30.0
LISTED_S = 5.0
"""How long what `squeue` has said counts: all jobs of a person are asked for at once, and no oftener."""
_LISTING = ("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%r")
_NO_SUCH_JOB = "Invalid job id"
MOST_REQUEUES = 1_000
MOST_IN_ARRAY = 1_000
"""Where Slurm does not say how many jobs an array may have."""
INSTALL = "install it here and there: pip install 'zoo-models[slurm]'"
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<parts>\d+(?::\d+){0,2})")
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


class SlurmSettings(PlaceSettings, frozen=True, kw_only=True):
    """What can be said of a place that is a Slurm cluster."""

    partition: Annotated[str, option("The partition; the cluster's default where it is left out.")] = ""
    account: Annotated[str, option("The account that pays.")] = ""
    qos: Annotated[str, option("The quality of service.")] = ""
    constraint: Annotated[str, option("Features that the nodes must have.")] = ""
    time: Annotated[str, option("How long a run may take: minutes, H:MM:SS or D-HH:MM:SS.")] = "60"
    cpus: Annotated[int, option("Processors of each machine.", ge=0, le=4096)] = 0
    memory: Annotated[float, option("Main memory of each machine.", unit="GB", ge=0)] = 0.0
    warn: Annotated[
        int, option("How long before the end of its time a run makes a checkpoint.", unit="seconds", ge=1, le=65535)
    ] = 120
    setup: Annotated[str, option("A line of shell that is run first there, such as `module load cuda`.")] = ""
    at_once: Annotated[
        int,
        option("How many shards of a prediction compute there at once; all that there is room for if not given.", ge=0),
    ] = 0
    sbatch: Annotated[str, option("Further flags of sbatch, such as `--exclusive --mail-type=END`.")] = ""

    def check(self) -> None:
        """Insist on a time and flags that sbatch takes."""
        super().check()
        minutes(self.time)
        _further(self.sbatch)


def minutes(text: str) -> int:
    """A time as Slurm writes it, in whole minutes, rounded up.

    Raises:
        OptionInvalid: it is none.
    """
    match = _TIME.fullmatch(text.strip())
    parts = [int(part) for part in match["parts"].split(":")] if match else []
    if match and match["days"]:
        hours, minutes, seconds = [*parts, 0, 0][:3]
    elif len(parts) == 3:
        hours, minutes, seconds = parts
    else:
        hours, (minutes, seconds) = 0, [*parts, 0, 0][:2]
    whole = (int((match and match["days"]) or 0) * 24 + hours) * 60 + minutes + -(-seconds // 60)
    if not whole:
        raise OptionInvalid(f"time is {text!r}, but takes minutes, H:MM:SS or D-HH:MM:SS", 'such as time = "8:00:00"')
    return whole


def _further(flags: str) -> dict[str, Any]:
    """Flags of sbatch as submitit takes them.

    Raises:
        OptionInvalid: one is none.
    """
    words = {}
    try:
        parts = shlex.split(flags)
    except ValueError as error:
        raise OptionInvalid(f"sbatch is {flags!r}: {error}", 'such as sbatch = "--exclusive"') from error
    for part in parts:
        name, equals, value = part.removeprefix("--").partition("=")
        if not part.startswith("--") or not name:
            raise OptionInvalid(f"sbatch has {part!r}, which is no flag", "write each as --name or --name=value")
        words[name] = value if equals else True
    return words


class Slurm:
    """A Slurm cluster."""

    def __init__(self, name: str, settings: SlurmSettings) -> None:
        self.name = name
        self.settings: PlaceSettings = settings
        self._slurm = settings
        self._listed_at = -LISTED_S
        self._listed: dict[str, tuple[str, str]] | None = None

    def submit(self, job: PlacedJob) -> str:
        """Hand the job to `sbatch`."""
        return self._submit([job], job.name, Path(job.folder), at_once=1)[0]

    def submit_array(self, jobs: Sequence[PlacedJob], name: str, folder: str) -> list[str]:
        """Hand jobs to `sbatch` as one array, or as several where they are more than one may have."""
        most, ids = _most_in_array(), list[str]()
        firsts = range(0, len(jobs), most)
        at_once = max(1, self._slurm.at_once // len(firsts)) if self._slurm.at_once else len(jobs)  # of each array
        try:
            for first in firsts:
                ids += self._submit(jobs[first : first + most], name, Path(folder), at_once=at_once)
            for job in jobs:
                _link_array(Path(job.folder), Path(folder))
        except BaseException:
            cancel_all(self, ids)
            raise
        return ids

    def _submit(self, jobs: Sequence[PlacedJob], name: str, folder: Path, *, at_once: int) -> list[str]:
        """Hand jobs to `sbatch` that differ in what they start alone; several are an array."""
        self._require_time()
        try:
            from submitit import SlurmExecutor
            from submitit.core.utils import FailedJobError, FailedSubmissionError

            from zoo.places.slurm_job import PlacedWorker
        except ImportError as error:
            raise Unsupported(f"place {self.name} needs submitit, which is not installed ({error})", INSTALL) from error
        self._require_commands()
        # a file in the folder one works in never stands in for a library
        python = f"env PYTHONSAFEPATH=1 {shlex.quote(self.settings.python or sys.executable)}"
        try:
            executor = SlurmExecutor(folder / FOLDER, max_num_timeout=MOST_REQUEUES, python=python)
            executor.update_parameters(**self._parameters(jobs[0], name), array_parallelism=at_once)
            # where submitit repeats what sbatch says
            with contextlib.redirect_stderr(io.StringIO()), _outside_of_any_job():
                with executor.batch():
                    submitted = [executor.submit(PlacedWorker(job)) for job in jobs]
                ids = [str(one.job_id) for one in submitted]
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
            raise RunFailed(
                f"Slurm does not take the job at place {self.name}: {_reason(error)}",
                f"zoo places check {self.name} looks for the cause",
            ) from error
        self._listed_at = -LISTED_S  # what was listed before knows nothing of them
        return ids

    def _parameters(self, job: PlacedJob, name: str) -> dict[str, Any]:
        """As submitit takes them."""
        said = self._slurm
        parameters: dict[str, Any] = {
            "job_name": f"zoo-{name}",
            "partition": said.partition or None,
            "account": said.account or None,
            "qos": said.qos or None,
            "constraint": said.constraint or None,
            "time": minutes(said.time),
            "nodes": job.nodes,
            "ntasks_per_node": 1,
            "cpus_per_task": said.cpus or (job.processes if job.processes > 1 else None),
            "gpus_per_node": said.gpus or None,
            "mem": f"{int(said.memory * 1024)}MB" if said.memory else None,
            "signal_delay_s": said.warn,
            "setup": [said.setup] if said.setup else None,
            "stderr_to_stdout": True,
            "additional_parameters": {"requeue" if job.requeue else "no-requeue": True, **_further(said.sbatch)},
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def state(self, id: str) -> JobState:
        """What `squeue` says of a job, or `sacct` where that knows it no more."""
        listed = self._jobs()
        if listed is not None and id not in listed:  # it was handed over since, or is that of somebody else
            listed = _of_one_job(id)
        if listed is None:
            return JobState(phase="unknown", reason="Slurm does not answer")
        return _state(*listed[id]) if id in listed else self._past_state(id)

    def _jobs(self) -> Mapping[str, tuple[str, str]] | None:
        """State and reason of all jobs that Slurm has in mind of this person, by their ids; None where it is silent."""
        if time.monotonic() - self._listed_at >= LISTED_S:
            process = _run(*_LISTING, "--me")
            self._listed = None if process.returncode else _listed_jobs(process.stdout)
            self._listed_at = time.monotonic()
        return self._listed

    def _past_state(self, id: str) -> JobState:
        records = _asked("sacct", "--noheader", "--allocations", "--parsable2", "--format=State", f"--jobs={id}")
        word = records.split()[0] if records and records.split() else ""
        if word:
            return _state(word, "")
        return JobState(phase="ended", word="", reason="Slurm knows it no more")

    def cancel(self, id: str) -> None:
        """`scancel`, to all that the job has started."""
        self._require_commands()
        process = _run("scancel", id)
        self._listed_at = -LISTED_S
        if process.returncode and _NO_SUCH_JOB not in process.stderr:
            raise RunFailed(f"place {self.name} cannot cancel job {id}: {one_line(process.stderr)}", f"scancel {id}")

    def said(self, folder: str, id: str) -> str:
        """What srun, submitit and what they could not start have printed."""
        texts = []
        for printed in (Path(folder, FOLDER), Path(folder, FOLDER, ARRAY)):
            for path in sorted(printed.glob(f"{id}_*_log.*")):
                with contextlib.suppress(OSError):
                    texts.append(path.read_text(encoding="utf-8", errors="replace"))
        return "\n".join(texts)

    def check(self) -> Iterator[Finding]:
        """The commands of Slurm, submitit, the controller and the partition."""
        missing = [command for command in COMMANDS if shutil.which(command) is None]
        if missing:
            yield fault(
                "commands",
                f"there is no {', '.join(missing)} here",
                "log in to a node of the cluster, or add the folder of Slurm's commands to PATH",
            )
            return
        yield ok("commands", f"{', '.join(COMMANDS)} are here")
        yield _submitit()
        process = _run("sinfo", "--noheader", "--format=%R|%a|%D|%l", *self._of_partition())
        lines = [line.split("|") for line in process.stdout.splitlines()]
        if process.returncode:
            yield fault("cluster", f"Slurm does not answer: {one_line(process.stderr)}", "scontrol ping")
        elif not lines:
            names = tuple(dict.fromkeys(_run("sinfo", "--noheader", "--format=%R").stdout.split()))
            there_are = f"there {'are' if len(names) > 1 else 'is'} {name_list(names)}" if names else "sinfo lists them"
            words = f"there is no partition {self._slurm.partition}"
            yield fault("partition", words, did_you_mean(self._slurm.partition, names, there_are))
        for name, is_up, nodes, limit in lines:
            words = f"{name} is {is_up}, with {nodes} nodes and a time limit of {limit}"
            yield ok("partition", words) if is_up == "up" else fault("partition", words, "sinfo lists others")

    def _of_partition(self) -> list[str]:
        return [f"--partition={self._slurm.partition}"] if self._slurm.partition else []

    def _require_time(self) -> None:
        """Insist on some time before the signal that ends it: else a run makes no step, and is begun again for ever."""
        time, warn = self._slurm.time, self._slurm.warn
        if warn >= 60 * minutes(time):
            raise OptionInvalid(
                f"place {self.name} gives a run {time!r} of time, and warn ends it {warn} seconds before that",
                "let time be longer than warn",
            )

    def _require_commands(self) -> None:
        if missing := [command for command in COMMANDS if shutil.which(command) is None]:
            raise Unsupported(
                f"place {self.name} is a Slurm cluster, and there is no {missing[0]} here",
                "log in to a node of the cluster, or add the folder of Slurm's commands to PATH",
            )


@contextlib.contextmanager
def _outside_of_any_job() -> Iterator[None]:
    """Let what is handed over from within a job inherit nothing of it: sbatch takes variables along."""
    if "SLURM_JOB_ID" not in os.environ:
        yield
        return
    of_job = ("SLURM_", "SLURMD_", "SRUN_", "SUBMITIT_")
    names = [name for name in os.environ if name.startswith(of_job) and name != "SLURM_CONF"]
    taken = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(taken)


def _most_in_array() -> int:
    """How many jobs an array of the cluster may have."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", _asked("scontrol", "show", "config") or "", re.MULTILINE)
    return max(1, int(found[1]) - 1) if found else MOST_IN_ARRAY  # the first of them is 0


def _link_array(job: Path, array: Path) -> None:
    """Let what is printed of an array be found from the folder of a job in it."""
    (job / FOLDER).mkdir(exist_ok=True)
    link = job / FOLDER / ARRAY
    link.unlink(missing_ok=True)
    link.symlink_to(array / FOLDER, target_is_directory=True)


def _submitit() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return ok("submitit", f"{version('submitit')} is here")
    except PackageNotFoundError:
        return fault("submitit", "it is not installed here", INSTALL)


def _of_one_job(id: str) -> Mapping[str, tuple[str, str]] | None:
    """State and reason of a job by its id; empty where Slurm has it in mind no more, None where it is silent."""
    process = _run(*_LISTING, f"--jobs={id}")
    if process.returncode:
        return {} if _NO_SUCH_JOB in process.stderr else None
    return _listed_jobs(process.stdout)


def _listed_jobs(listing: str) -> dict[str, tuple[str, str]]:
    fields = (line.split("|", 2) for line in listing.splitlines())
    return {job_id: (word, reason) for job_id, word, reason in (one for one in fields if len(one) == 3)}


def _state(word: str, reason: str) -> JobState:
    """A word of Slurm, such as RUNNING or `CANCELLED by 0`, as what it means for a job."""
    word = word.rstrip("+")
    if word in _RUNNING:
        return JobState(phase="running", word=word)
    if word in _WAITING:
        why = "" if reason in ("None", "") else f": {one_line(reason)}"
        return JobState(phase="waiting", word=word, reason=f"it waits there{why}")
    if word in _ENDINGS:
        return JobState(phase="ended", word=word, reason=_ENDINGS[word], interrupted=True)
    return JobState(phase="ended", word=word, reason=f"it has {word.lower()}")


def _reason(error: Exception) -> str:
    """What sbatch said, without the words around it."""
    lines = [line.strip() for line in str(error).splitlines() if "sbatch:" in line]
    return one_line("; ".join(line.removeprefix("sbatch: error: ") for line in lines) or str(error))


def _asked(*command: str) -> str | None:
    """What a command of Slurm answers; None where it does not."""
    process = _run(*command)
    return None if process.returncode else process.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command of Slurm; one that is missing, or hangs, has failed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ASK_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


KIND = PlaceKind("slurm", SlurmSettings, Slurm, "a Slurm cluster, from its login node", reached_from_within=True)
