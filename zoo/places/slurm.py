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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from zoo.errors import OptionInvalid, PlaceFull, RunFailed, Unsupported
from zoo.findings import Finding, fault, ok
from zoo.options import option
from zoo.places import slurm_commands
from zoo.places.arrays import give_up
from zoo.places.kinds import PlaceKind
from zoo.places.place import JobState, PlacedJob, PlaceSettings
from zoo.places.slurm_commands import Listing, state_of
from zoo.plurals import name_list
from zoo.sanitize import one_line
from zoo.suggestions import did_you_mean

FOLDER = "slurm"
"""In the folder of a job: the script, the pickled callable and what Slurm printed."""
ARRAY = "array"
"""In that: the same of the array that the job is part of, as a link."""
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol")
LISTED_S = 5.0
"""How long what `squeue` has said counts: all jobs of a person are asked for at once, and no oftener."""
MOST_REQUEUES = 1_000
INSTALL = "install it here and there: pip install 'zoo-models[slurm]'"
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<parts>\d+(?::\d+){0,2})")

_SAID_BY_ZOO = {
    **{name: name for name in ("partition", "account", "qos", "constraint", "time", "nodes", "requeue")},
    "cpus-per-task": "cpus",
    "mem": "memory",
    "gpus-per-node": "gpus",
    "signal": "warn",
    "no-requeue": "requeue",
    **dict.fromkeys(("array", "ntasks", "ntasks-per-node", "output", "error", "open-mode"), ""),
    **dict.fromkeys(("wrap", "wait", "test-only", "parsable"), ""),
}
"""Flags of sbatch to the keys of a place that they are said by; empty where they are none of its."""


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
        option(
            "How many shards of a prediction, or trials of a sweep, compute there at once; all that there is room "
            "for if not given.",
            ge=0,
        ),
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
        if (key := _SAID_BY_ZOO.get(name)) is not None and not _is_more(name, value):
            hint = f"say {key} at the place" if key else "leave it out"
            raise OptionInvalid(f"sbatch has --{name}, which zoo says itself", hint)
        words[name] = value if equals else True
    return words


def _is_more(name: str, value: str) -> bool:
    """Whether a flag says what the key of a place cannot: all memory of a node, or of which type its GPUs are."""
    return (name == "mem" and value == "0") or (name == "gpus-per-node" and ":" in value)


class Slurm:
    """A Slurm cluster."""

    def __init__(self, name: str, settings: SlurmSettings) -> None:
        self.name = name
        self.settings: PlaceSettings = settings
        self._slurm = settings
        self._listed_at = -LISTED_S
        self._listed: Listing | None = None

    def submit(self, job: PlacedJob) -> str:
        """Hand the job to `sbatch`."""
        return self._submit([job], job.name, Path(job.folder), at_once=1)[0]

    def submit_array(self, jobs: Sequence[PlacedJob], name: str, folder: str) -> list[str]:
        """Hand jobs to `sbatch` as one array, or as several where they are more than one may have."""
        most = min(len(jobs), slurm_commands.most_in_array())
        while True:
            try:
                return self._submit_arrays(jobs, name, Path(folder), most)
            except RunFailed as error:  # some clusters do not say in full how many it may have
                if not slurm_commands.is_of_array(error.message) or most == 1:
                    raise
            most = -(-most // 2)

    def _submit_arrays(self, jobs: Sequence[PlacedJob], name: str, folder: Path, most: int) -> list[str]:
        """Hand jobs to `sbatch` as arrays of so many at most.

        Where there are more arrays than jobs are to compute at once, each begins when an earlier one has ended.
        """
        ids, arrays = list[str](), list[str]()
        firsts = range(0, len(jobs), most)
        beside = min(len(firsts), self._slurm.at_once or len(firsts))
        at_once = self._slurm.at_once // beside or len(jobs)  # of each array
        try:
            for number, first in enumerate(firsts):
                after = arrays[number - beside] if number >= beside else ""
                ids += self._submit(jobs[first : first + most], name, folder, at_once=at_once, after=after)
                arrays.append(ids[-1].partition("_")[0])
            for job in jobs:
                _link_array(Path(job.folder), folder)
        except BaseException:
            give_up(self, ids)
            raise
        return ids

    def _submit(
        self, jobs: Sequence[PlacedJob], name: str, folder: Path, *, at_once: int, after: str = ""
    ) -> list[str]:
        """Hand jobs to `sbatch` that differ in what they start alone; several are an array.

        Args:
            jobs: one or more.
            name: what they are called.
            folder: for what Slurm prints of them.
            at_once: how many of them compute at once.
            after: a job, or an array, that has to end before.
        """
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
            executor.update_parameters(**self._parameters(jobs[0], name, after), array_parallelism=at_once)
            # where submitit repeats what sbatch says
            with contextlib.redirect_stderr(io.StringIO()), _outside_of_any_job():
                with executor.batch():
                    submitted = [executor.submit(PlacedWorker(job)) for job in jobs]
                ids = [str(one.job_id) for one in submitted]
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
            reason = slurm_commands.refusal(str(error))
            hint = f"zoo places check {self.name} looks for the cause"
            words = f"Slurm does not take the job at place {self.name}: {reason}"
            if slurm_commands.is_of_many(reason):
                raise PlaceFull(words, "wait until jobs of yours have ended, or hand over fewer") from error
            raise RunFailed(words, hint) from error
        self._listed_at = -LISTED_S  # what was listed before knows nothing of them
        return ids

    def _parameters(self, job: PlacedJob, name: str, after: str) -> dict[str, Any]:
        """As submitit takes them."""
        said = self._slurm
        further = {"requeue" if job.requeue else "no-requeue": True, **_further(said.sbatch)}
        if after:
            own = further.get("dependency")
            further["dependency"] = f"afterany:{after}" + (f",{own}" if own else "")
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
            "additional_parameters": further,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def state(self, id: str) -> JobState:
        """What `squeue` says of a job, or `sacct` where that knows it no more."""
        listed = self._jobs()
        if listed is not None and id not in listed:  # it was handed over since, or is that of somebody else
            listed = slurm_commands.job_named(id)
        if listed is None:
            return JobState(phase="unknown", reason="Slurm does not answer")
        return state_of(*listed[id]) if id in listed else slurm_commands.past_state(id)

    def _jobs(self) -> Listing | None:
        """What is known of all jobs of this person, asked for again after a while."""
        if time.monotonic() - self._listed_at >= LISTED_S:
            self._listed = slurm_commands.jobs_of_mine()
            self._listed_at = time.monotonic()
        return self._listed

    def cancel(self, id: str) -> None:
        """`scancel`, to all that the job has started."""
        self.cancel_jobs([id])

    def cancel_jobs(self, ids: Sequence[str]) -> None:
        """One `scancel` for all of some jobs, or a few where they are of many arrays."""
        self._require_commands()
        errors = slurm_commands.cancel(ids)
        self._listed_at = -LISTED_S
        if errors:
            jobs = f"job {ids[0]}" if len(ids) == 1 else "all that it was asked to"
            raise RunFailed(f"place {self.name} cannot cancel {jobs}: {errors[0]}", "squeue --me lists what is left")

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
        process = slurm_commands.run("sinfo", "--noheader", "--format=%R|%a|%D|%l", *self._of_partition())
        lines = [line.split("|") for line in process.stdout.splitlines()]
        if process.returncode:
            yield fault("cluster", f"Slurm does not answer: {one_line(process.stderr)}", "scontrol ping")
        elif not lines:
            names = tuple(dict.fromkeys(slurm_commands.run("sinfo", "--noheader", "--format=%R").stdout.split()))
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


KIND = PlaceKind("slurm", SlurmSettings, Slurm, "a Slurm cluster, from its login node", reached_from_within=True)
