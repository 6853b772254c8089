"""Machines that a person can start commands on, as a place: over ssh, or by whatever else reaches them.

A process here holds the connections and outlives whoever starts it (`zoo.places.host_launcher`). On each machine
another one begins what it is told to, and ends it when its connection is closed (`zoo.places.host_process`).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.findings import Finding, fault, ok
from zoo.options import option
from zoo.paths import home
from zoo.places.here import start_process
from zoo.places.host_jobs import HostJob, HostStart, Record, forget_old, hand_over, keep, kept
from zoo.places.kinds import PlaceKind
from zoo.places.node import JOIN_S, LOST_S, Node, endpoint
from zoo.places.place import JobState, PlacedJob, PlaceSettings
from zoo.places.probe import PACKAGES, REPORT_FILE, TOKEN_FILE, Report, is_same, version_of
from zoo.plurals import counted
from zoo.sanitize import one_line

SSH = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 {host} {command}"
CHECK_TIMEOUT_S = 60.0
PATIENCE_S = 30.0
"""Beyond that, how long machines may take to end by themselves when one has failed."""


class HostsSettings(PlaceSettings, frozen=True, kw_only=True):
    """What can be said of a place that is some machines."""

    lists: ClassVar[tuple[str, ...]] = ("hosts",)
    hosts: Annotated[
        str, option("Names or addresses of the machines, as a list or with commas; a run takes the first ones.")
    ] = ""
    command: Annotated[str, option("What starts {command} on {host}, such as ssh -p 2222 me@{host} {command}.")] = SSH
    meeting: Annotated[
        str, option("Address of the first machine as the others reach it; by default as it is called above.")
    ] = ""
    join: Annotated[float, option("How long all machines of a run are waited for.", unit="seconds", ge=1)] = JOIN_S
    lost: Annotated[
        float, option("After how long a machine that says nothing is taken to be gone.", unit="seconds", ge=4)
    ] = LOST_S

    def check(self) -> None:
        """Insist on a command that reaches each machine."""
        super().check()
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise OptionInvalid(f"command is {self.command!r}: {error}", f'such as command = "{SSH}"') from error
        if unfit := next(
            (name for name in self.names if name.rpartition("@")[2].startswith("-") or name[0] == "-"), ""
        ):
            raise OptionInvalid(f"hosts has {unfit!r}, which would be a flag", "machines have other names")
        if "{command}" not in words:
            raise OptionInvalid(
                f"command is {self.command!r}, in which no word is {{command}}", f'such as command = "{SSH}"'
            )
        if len(self.names) > 1 and "{host}" not in self.command:
            raise OptionInvalid(
                f"command is {self.command!r}, which is the same for {counted(len(self.names), 'machine')}",
                "let it have {host}, or hosts name one machine",
            )
        endpoint(self.meeting, "")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the machines."""
        return tuple(self.hosts.replace(",", " ").split())

    def command_on(self, host: str, python: str) -> list[str]:
        """What starts the process that begins a job on a machine; no word of it needs quotes in any shell.

        Args:
            host: the machine.
            python: path of Python there.
        """
        words = []
        for word in shlex.split(self.command):
            if word == "{command}":
                words += [python, "-m", "zoo.places.host_process"]
            else:
                words.append(word.replace("{host}", host))
        return words


class Hosts:
    """Some machines; a job is the process here that holds the connections to them."""

    def __init__(self, name: str, settings: HostsSettings) -> None:
        self.name, self._hosts = name, settings
        self.settings: PlaceSettings = settings
        if not settings.names:
            raise OptionInvalid(f"hosts of place {name} names no machine", 'such as hosts = "node1, node2"')
        if shlex.quote(self._python) != self._python:
            raise OptionInvalid(
                f"Python at place {name} is {self._python!r}, which a shell there would take apart",
                "let environment be a path without blanks and other marks, such as a symbolic link",
            )

    @property
    def _python(self) -> str:
        return self.settings.python or sys.executable

    def submit(self, job: PlacedJob) -> str:
        """Start the process that starts the job on each machine."""
        said = self._hosts
        if job.nodes > len(said.names):
            raise Unsupported(
                f"place {self.name} has {counted(len(said.names), 'machine')}, and --nodes is {job.nodes}",
                f"use --nodes {len(said.names)}, or name more hosts",
            )
        hosts = said.names[: job.nodes]
        meeting = said.meeting or hosts[0].rpartition("@")[2]
        starts = []
        for index, host in enumerate(hosts):
            node = Node(index=index, meeting=meeting, join_s=said.join, lost_s=said.lost)
            variables = node.variables() if job.nodes > 1 else {}
            start = HostStart(arguments=job.arguments, environment={**job.environment, **variables})
            starts.append((host, tuple(said.command_on(host, self._python)), start))
        job_id = f"{socket.gethostname()}-{time.time_ns():x}"
        host_job = HostJob(starts=tuple(starts), log=job.log, requeue=job.requeue, patience_s=said.lost + PATIENCE_S)
        try:
            forget_old()
            keep(job_id, Record())
            hand_over(job_id, host_job)
            with Path(job.log).open("ab") as log:
                process = start_process([sys.executable, "-m", "zoo.places.host_launcher", job_id], log, os.environ)
        except OSError as error:
            raise RunFailed(f"{job.name} cannot be started from here: {error}") from error
        threading.Thread(target=process.wait, daemon=True).start()  # so that no dead process is left in the table
        return job_id

    def state(self, id: str) -> JobState:
        """What the process that holds the connections has written down, or that it is gone."""
        record = kept(id)
        if record is None:
            return JobState(phase="unknown", reason="nothing is known of it here")
        if record.state.phase == "ended" or record.is_there():
            return record.state
        if id.rpartition("-")[0] != socket.gethostname():
            return JobState(phase="unknown", reason="its machines are connected to from another one")
        return JobState(phase="ended", word="LOST", reason=_GONE, interrupted=True)

    def cancel(self, id: str) -> None:
        """Let the process end the job on all machines."""
        host, record = id.rpartition("-")[0], kept(id)
        if host != socket.gethostname():
            raise Unsupported(f"the machines of place {self.name} are connected to from {host}", "stop the run there")
        if record is not None:
            record.terminate()

    def said(self, folder: str, id: str) -> str:
        """Nothing: all that is printed is in the log of the job."""
        return ""

    def check(self) -> Iterator[Finding]:
        """Whether each machine is reached, and sees the store; the same packages there."""
        here = {name: found for name in PACKAGES if (found := version_of(name))}
        for host in self._hosts.names:
            yield self._check(host, here)

    def _check(self, host: str, here: Mapping[str, str]) -> Finding:
        """Begin there what says what it sees."""
        parent = home() / "places"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="check-", dir=parent) as name:
            folder = Path(name)
            (folder / TOKEN_FILE).write_text(host, encoding="utf-8")
            command = self._hosts.command_on(host, self._python)
            start = HostStart(arguments=("-m", "zoo.places.probe", name))
            try:
                code, printed = _answer(command, start)
            except subprocess.TimeoutExpired:
                return fault(host, f"no answer within {CHECK_TIMEOUT_S:.0f} s: {shlex.join(command)}", _REACH)
            except OSError as error:
                return fault(host, f"{command[0]} cannot be started: {error.strerror or error}", _REACH)
            try:
                report = msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=Report)
            except (OSError, msgspec.DecodeError):
                if code == 0:
                    return fault(host, f"it is reached, and what it writes to {parent} is not seen here", _SHARE)
                last = f": {one_line(printed.splitlines()[-1])}" if printed else ""
                return fault(host, f"it is not reached, or has no zoo (exit code {code}){last}", _REACH)
        for package, version in here.items():
            if not is_same(there := report.versions.get(package, "none"), version):
                return fault(
                    host, f"{package} {version} here, and {there} there", f"pip install '{package}=={version}'"
                )
        return ok(host, f"reached; it sees the store, and has {', '.join(map(' '.join, here.items()))}, too")


def _answer(command: Sequence[str], start: HostStart) -> tuple[int, str]:
    """Begin something on a machine; returns its exit code and what it has printed."""
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(
            command,
            bufsize=0,  # what is left in a buffer fails once more
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it has ended already: its exit code says how
                process.stdin.write(start.line() + b"\n")
            try:
                code = process.wait(CHECK_TIMEOUT_S)  # to close the connection earlier would end what was begun
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        output.seek(0)
        return code, output.read().decode(errors="replace").strip()


_GONE = "the process that held its connections is gone"
_REACH = "let command reach it without a password, and environment name the Python there"
_SHARE = "let folder name a place that is on a shared disk, and zoo config home one in it"


KIND = PlaceKind(
    "hosts", HostsSettings, Hosts, "machines that you reach over ssh, or by a command of your own", has_queue=False
)
