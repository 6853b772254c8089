"""SkyPilot as a place: a task file is written, and its own command `sky` starts it on a cluster of its own.

What runs there writes into the store as anywhere else, so its folder is to be on a disk that both sides see: a volume
of Kubernetes, a network disk, a mounted bucket. `mount` says how the cluster mounts it.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast
from zlib import crc32

from zoo import atomic
from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.findings import Finding, fault, ok
from zoo.options import option
from zoo.places.here import start_process
from zoo.places.kinds import PlaceKind
from zoo.places.node import MEETING_VARIABLE, NODE_VARIABLE
from zoo.places.place import JobState, PlacedJob, PlaceSettings
from zoo.sanitize import one_line

TASK_FILE, OUTPUT_FILE = "sky.yaml", "sky.log"
"""In the folder of a job: the task, and what `sky` prints while it makes the cluster."""
ASK_TIMEOUT_S = 60.0
MAKING_S = 3600.0
"""How long it may take to make a cluster."""
INSTALL = "install it: pip install 'skypilot[aws]', or for another cloud; then sky check"
_STATES = {
    0: JobState(phase="ended", word="SUCCEEDED", reason="it has ended"),
    100: JobState(phase="ended", word="FAILED", reason="it has failed there"),
    101: JobState(phase="running", word="NOT_FINISHED"),
    103: JobState(phase="ended", word="CANCELLED", reason="it was cancelled there", interrupted=True),
}
"""By the exit code of `sky logs --status` (`JobExitCode` of SkyPilot)."""
_JOB = "1"
"""A cluster of its own has one job."""


class SkySettings(PlaceSettings, frozen=True, kw_only=True):
    """What can be said of a place that SkyPilot makes."""

    infra: Annotated[str, option("Where: a cloud, cloud/region or k8s/context; SkyPilot's choice by default.")] = ""
    accelerators: Annotated[str, option("Of each machine, such as A100:8; none by default.")] = ""
    spot: Annotated[bool, option("Whether machines may be taken away for less money.")] = False
    mount: Annotated[
        str, option("What the cluster mounts as the folder, such as s3://bucket; nothing where that is there already.")
    ] = ""
    setup: Annotated[str, option("A line of shell that is run first there, such as one that installs zoo.")] = ""


class Sky:
    """Clusters that SkyPilot makes, one for each run."""

    def __init__(self, name: str, settings: SkySettings) -> None:
        self.name, self._sky = name, settings
        self.settings: PlaceSettings = settings
        if settings.mount and not settings.folder:
            raise OptionInvalid(f"place {name} has a mount, and no folder says where", 'such as folder = "/shared"')

    def submit(self, job: PlacedJob) -> str:
        """Write the task file, and let `sky` make a cluster for it."""
        if shutil.which("sky") is None:
            raise Unsupported(f"place {self.name} needs SkyPilot, and there is no sky here", INSTALL)
        if job.requeue:  # the cluster goes down with the job
            raise Unsupported(
                f"place {self.name} is of the kind sky, which begins no run again, and --requeue asks for that",
                "leave --requeue out; zoo resume goes on from the last checkpoint",
            )
        path, cluster = Path(job.folder) / TASK_FILE, _cluster_name(job.name)
        try:
            atomic.write_bytes(path, _yaml(self._task(job)))
            path.chmod(0o600)  # its variables may be secrets
        except OSError as error:
            raise RunFailed(f"the task file of {job.name} cannot be written: {error}") from error
        command = ["sky", "launch", "--yes", "--down", "--detach-run", "--cluster", cluster, str(path)]
        try:
            with (Path(job.folder) / OUTPUT_FILE).open("wb") as log:
                process = start_process(command, log, os.environ)
        except OSError as error:
            raise RunFailed(f"sky cannot be started: {error}", "sky check") from error
        threading.Thread(target=process.wait, daemon=True).start()  # so that no dead process is left in the table
        return cluster

    def _task(self, job: PlacedJob) -> dict[str, Any]:
        """The task as SkyPilot reads it."""
        said = self._sky
        resources = {"infra": said.infra, "accelerators": said.accelerators, "use_spot": said.spot}
        python = shlex.quote(said.python or "python")
        tells = []
        if job.nodes > 1:
            tells = [
                f'export {NODE_VARIABLE}="$SKYPILOT_NODE_RANK"',
                f'export {MEETING_VARIABLE}="$(echo "$SKYPILOT_NODE_IPS" | head -n1)"',
            ]
        run = f"exec {python} {shlex.join(job.arguments)} >> {shlex.quote(job.log)} 2>&1"
        task = {
            "name": f"zoo-{job.name}",
            "num_nodes": job.nodes,
            "resources": {name: value for name, value in resources.items() if value},
            "file_mounts": {said.folder: {"source": said.mount, "mode": "MOUNT"}} if said.mount else {},
            "envs": dict(job.environment),
            "setup": said.setup,
            "run": "\n".join([*tells, run]) + "\n",
        }
        return {name: value for name, value in task.items() if value}

    def state(self, id: str) -> JobState:
        """What `sky logs --status` says; before the cluster is there, what `sky launch` has come to."""
        process = _sky("logs", id, _JOB, "--status")
        if process.returncode in _STATES:
            return _STATES[process.returncode]
        words = one_line(process.stderr or process.stdout)
        if re.search(r"does not exist|not found", words):
            return self._before(id, words)
        return JobState(phase="unknown", reason=f"sky says: {words}" if words else "sky does not answer")

    def _before(self, id: str, words: str) -> JobState:
        """Of a cluster that is not there: it is made still, could not be made, or has gone with its job."""
        if _is_launching(id):
            return JobState(phase="waiting", reason="its cluster is being made")
        if _is_made_elsewhere(id):
            return JobState(phase="unknown", reason="its cluster is made from another machine")
        return JobState(phase="ended", word="DOWN", reason=f"its cluster is not there: {words}", interrupted=True)

    def cancel(self, id: str) -> None:
        """Take the cluster down: it costs money until then."""
        process = _sky("down", "--yes", id)
        words = one_line(process.stderr or process.stdout)
        if process.returncode and not re.search(r"does not exist|not found", words):
            raise RunFailed(f"place {self.name} cannot take down cluster {id}: {words}", f"sky down {id}")

    def said(self, folder: str, id: str) -> str:
        """What `sky launch` has printed."""
        try:
            return (Path(folder) / OUTPUT_FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def check(self) -> Iterator[Finding]:
        """Whether `sky` is here; which clouds it may use, it says itself."""
        path = shutil.which("sky")
        if path is None:
            yield fault("sky", "SkyPilot is not installed here", INSTALL)
            return
        yield ok("sky", f"{path} is here; `sky check` says which clouds it may use")
        if not self.settings.folder:
            yield fault("folder", "no folder is declared that both sides see", 'such as folder = "/shared"')


def _cluster_name(name: str) -> str:
    """What a new cluster is called: letters, digits and hyphens, as all clouds take them.

    No other one is called so, however alike the names of runs are, nor that of an attempt before, which may be taken
    down still. The end of it tells from where and when the cluster was asked for.
    """
    plain = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:16].rstrip("-")
    asked_for = f"{_this_machine()}{int(time.time()):08x}{secrets.token_hex(2)}"
    return "-".join(filter(None, ("zoo", plain, asked_for)))


def _this_machine() -> str:
    return f"{crc32(socket.gethostname().encode()) & 0xFFFF:04x}"


def _is_made_elsewhere(cluster: str) -> bool:
    """Whether another machine may be making that cluster right now."""
    asked_for = cluster.rpartition("-")[2]
    try:
        asked_at = int(asked_for[4:12], 16)
    except ValueError:
        return False
    return not asked_for.startswith(_this_machine()) and time.time() - asked_at < MAKING_S


def _is_launching(cluster: str) -> bool:
    """Whether `sky launch` makes that cluster right now, from here."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "launch" in words and cluster in words:
            return True
    return False


def _yaml(task: Mapping[str, Any]) -> bytes:
    import yaml

    return cast("str", yaml.safe_dump(task, sort_keys=False)).encode()


def _sky(*words: str) -> subprocess.CompletedProcess[str]:
    """A command of SkyPilot; one that is missing, or hangs, has failed."""
    command = ["sky", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ASK_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


KIND = PlaceKind("sky", SkySettings, Sky, "a cluster that SkyPilot makes in a cloud")
