"""A real Slurm cluster of two nodes, and one to spare, on this machine, with ports, a key and folders of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from tests.processes import popen
from zoo.runs import placement
from zoo.runs.events import RunStarted

DAEMONS = ("slurmctld", "slurmd", "munged")
NODES, SPARE = ("n1", "n2"), "n3"
START_S = 60.0
STOP_S = 1.0
"""How long a daemon may take to end before it is killed: all that it knows goes with it."""
KILLED_S = 10.0
"""How long what was cancelled may take to be gone."""
CONF = """
ClusterName=zoo
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=1
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1
ReturnToService=2
MpiDefault=none
SlurmdTimeout=5
KillWait=5
{nodes}
PartitionName=main Nodes={names} Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=2000 State={state}"


def _step_of(task: psutil.Process) -> psutil.Process | None:
    """The process of Slurm that has started a task; None for what a task has started."""
    try:
        parent = task.parent()
        return parent if parent and parent.name().startswith("slurmstepd") else None
    except psutil.Error:
        return None


class DaemonGone(Exception):
    """A daemon has ended that was to go on."""


class Cluster:
    """The daemons of a cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self._daemons: dict[str, subprocess.Popen[Any]] = {}

    def start(self) -> None:
        """Start the daemons.

        Raises:
            DaemonGone: one has ended, as where another process has taken its port meanwhile.
        """
        host = socket.gethostname().partition(".")[0]
        names = (*NODES, SPARE)
        ports = free_ports(1 + len(names))
        nodes = [
            NODE.format(name=name, host=host, port=port, state="DOWN" if name == SPARE else "UNKNOWN")
            for name, port in zip(names, ports[1:], strict=True)
        ]
        text = CONF.format(host=host, port=ports[0], folder=self.folder, nodes="\n".join(nodes), names=",".join(names))
        (self.folder / "state").mkdir()
        self.conf.write_text(text)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {
            "key-file": key,
            "socket": "munge.sock",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
            "seed-file": "munged.seed",
        }
        self._start(
            "munged", ["--foreground", *(f"--{name}={self.folder / str(file)}" for name, file in files.items())]
        )
        until((self.folder / "munge.sock").exists)
        self._start("slurmctld", ["-D"])
        for name in NODES:
            self.start_node(name)
        until(self._is_up)

    def _is_up(self) -> bool:
        if gone := [name for name, daemon in self._daemons.items() if daemon.poll() is not None]:
            raise DaemonGone(f"{gone[0]} has ended: {self._last_words(gone[0])}")
        return self._idle() == {*NODES}

    def _idle(self) -> set[str]:
        return set(self.ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split())

    def _last_words(self, name: str) -> str:
        logs = [self.folder / file for file in (f"{name}.out", f"{name}.log", f"slurmd-{name}.log")]
        return "\n".join(path.read_text(errors="replace")[-2_000:] for path in logs if path.exists())

    @contextmanager
    def drained(self) -> Iterator[None]:
        """No node begins a job within."""
        names = f"NodeName={','.join(NODES)}"
        self.ask("scontrol", "update", names, "State=DRAIN", "Reason=test")
        try:
            yield
        finally:
            self.ask("scontrol", "update", names, "State=RESUME")

    @contextmanager
    def without(self, name: str, *, is_told: bool = False) -> Iterator[None]:
        """A node that dies as this begins, and is there again afterwards.

        Args:
            name: of the node.
            is_told: whether somebody says so; by itself Slurm finds out within a minute.
        """
        self.kill_node(name)
        if is_told:
            self.ask("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=test")
        try:
            yield
        finally:
            self.start_node(name)

    def ended(self, job: str) -> bool:
        """Whether nothing of a job goes on."""
        return not {*self.ask("squeue", "-h", "-j", job, "-o", "%T").split()} & {"PENDING", "RUNNING", "COMPLETING"}

    @contextmanager
    def spare(self) -> Iterator[None]:
        """A further node is there within."""
        self.start_node(SPARE)
        until(lambda: SPARE in self._idle())
        try:
            yield
        finally:
            self.kill_node(SPARE)
            self.ask("scontrol", "update", f"NodeName={SPARE}", "State=DOWN", "Reason=test")

    def begin_at_once(self, job: str) -> None:
        """Let a job begin that was put back into the queue, for which Slurm waits for two minutes; with time enough."""
        until(lambda: "PENDING" in self.ask("squeue", "-h", "-j", job, "-o", "%T"))
        self.ask("scontrol", "update", f"JobId={job}", "StartTime=now", "TimeLimit=60")

    def end_soon(self, job: str) -> None:
        """Let the time of a job that runs be over in two to three minutes."""
        *hours, minutes, _ = self.ask("squeue", "-h", "-j", job, "-o", "%M").strip().split(":")
        self.ask("scontrol", "update", f"JobId={job}", f"TimeLimit={60 * int(''.join(hours) or 0) + int(minutes) + 3}")

    def start_node(self, name: str) -> None:
        self._start("slurmd", ["-D", "-N", name], name)

    def kill_node(self, name: str) -> None:
        """The node is gone, and all that ran on it: its daemon, and the steps that the daemon has started."""
        daemon = self._daemons.pop(name)
        os.kill(daemon.pid, 9)
        daemon.wait()
        tasks = [one for one in psutil.process_iter() if self._runs_on(one, name)]
        for process in {parent for one in tasks if (parent := _step_of(one))} | set(tasks):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _runs_on(self, process: psutil.Process, name: str) -> bool:
        try:
            environment = process.environ()
        except psutil.Error:
            return False
        return (environment.get("SLURM_CONF"), environment.get("SLURMD_NODENAME")) == (str(self.conf), name)

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        process = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=30)
        return process.stdout + process.stderr

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.conf)}

    def _start(self, program: str, arguments: Sequence[str], name: str = "") -> None:
        with (self.folder / f"{name or program}.out").open("ab") as log:
            command = [shutil.which(program, path=PATH) or program, *arguments]
            self._daemons[name or program] = popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self) -> None:
        self.ask("scancel", "--user=root")
        deadline = time.monotonic() + KILLED_S
        while self.ask("squeue", "-h") and time.monotonic() < deadline:
            time.sleep(0.1)
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(STOP_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def missing() -> str:
    """Why there can be no cluster here; empty where there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "a Slurm cluster is started by root only"
    if find_spec("submitit") is None:
        return "there is no submitit here: pip install 'zoo-models[slurm]'"
    absent = [name for name in DAEMONS if shutil.which(name, path=PATH) is None]
    return f"there is no {', '.join(absent)} here: apt-get install slurm-wlm munge" if absent else ""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(condition: Any, seconds: float = START_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster that is there within, in a folder that everybody may look into, as munge insists on."""
    with contextlib.ExitStack() as stack:
        try:
            one = _started(stack)
        except DaemonGone:  # somebody had one of its ports: the next are others
            one = _started(stack)
        yield one


def _started(stack: contextlib.ExitStack) -> Cluster:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-slurm-", ignore_cleanup_errors=True)))
    folder.chmod(0o755)
    one = Cluster(folder)
    stack.callback(one.stop)
    one.start()
    return one


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One cluster for all tests."""
    if reason := missing():
        pytest.skip(reason)
    with running_cluster() as one:
        yield one


@pytest.fixture
def slurm(cluster: Cluster, store: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, and a place of that name in the test's store, which is asked often."""
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    monkeypatch.setattr(placement, "ASKED_S", 0.2)
    monkeypatch.setattr(placement, "HEARTBEAT_LATE_S", 6.0)
    monkeypatch.setattr("zoo.places.slurm.LISTED_S", 0.2)
    (store / "places.toml").write_text('[slurm]\npartition = "main"\ntime = 5\n')
    return cluster


def job_of(run: zoo.Run) -> str:
    """What Slurm calls the job of a run."""
    placed = placement.recorded(run.folder)
    assert placed is not None
    return placed.job


def attempts(run: zoo.Run) -> list[int | None]:
    """The checkpoint that each attempt at a run went on from."""
    return [event.resumed_from_step for event in run.events() if isinstance(event, RunStarted)]
