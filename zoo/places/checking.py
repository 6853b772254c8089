"""Whether a place can do what runs need: the shared folder, its locks, the same packages and plugins there.

It is found out by a job: it is handed over as a run would be, and what it writes is read here.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from zoo.disk import store_error
from zoo.errors import Unsupported, ZooError
from zoo.findings import Finding, fault, ok, warning
from zoo.locking import locked
from zoo.paths import home
from zoo.places.kinds import HERE
from zoo.places.lacking import missing_there
from zoo.places.place import JobState, Place, PlacedJob
from zoo.places.probe import LOCK_FILE, REPORT_FILE, TOKEN_FILE, Report, is_same, look
from zoo.places.shared import check_shared
from zoo.plurals import counted, name_list
from zoo.sanitize import one_line

TIMEOUT_S = 120.0
"""How long the job may wait for its turn and take; a cluster that is full is no fault."""
SHARED_S = 10.0
"""How long a file may take from the other side to this one, once the job has ended."""
POLL_S = 0.5


def check(place: Place, timeout_s: float = TIMEOUT_S) -> Iterator[Finding]:
    """Look at a place, and hand a small job over to it.

    Args:
        place: to be looked at.
        timeout_s: how long the job may take.
    """
    faults = False
    for finding in place.check():
        faults |= finding.mark == "fault"
        yield finding
    if (store := _store(place)).mark == "fault":
        yield store
        return
    yield store
    if not faults:
        yield from _probed(place, timeout_s)


def _store(place: Place) -> Finding:
    """Whether the store is in the folder that is said to be shared."""
    if not place.settings.folder:
        return ok("store", f"{home()}; no folder is declared, so all paths are taken to be the same there")
    try:
        check_shared(place.settings, place.name, ())
    except Unsupported as error:
        return fault("store", error.message, error.hint)
    return ok("store", f"{home()} is in the shared folder")


def _probed(place: Place, timeout_s: float) -> Iterator[Finding]:
    parent = home() / "places"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=parent))
    except OSError as error:
        yield fault("store", str(store_error(error) or error), "zoo doctor looks at the store")
        return
    token = secrets.token_hex(16)
    try:
        (folder / TOKEN_FILE).write_text(token, encoding="utf-8")
        with locked(folder / LOCK_FILE, lambda: False):
            yield from _handed_over(place, folder, token, timeout_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _handed_over(place: Place, folder: Path, token: str, timeout_s: float) -> Iterator[Finding]:
    job = PlacedJob(
        name="check",
        folder=str(folder),
        arguments=("-m", "zoo.places.probe", str(folder)),
        environment={"PYTHONUNBUFFERED": "1"},
        log=str(folder / "log.txt"),
    )
    try:
        job_id = place.submit(job)
    except ZooError as error:
        yield fault("job", error.message, error.hint)
        return
    report, state = _report(place, job_id, folder, timeout_s)
    if report is None:
        yield _no_report(place, job_id, folder, state, timeout_s)
        return
    yield ok("job", f"{job_id} ran on {report.host}, with {report.python}")
    if report.token != token:
        yield fault("shared folder", f"what was written to {folder} here is not seen there", _SHARE)
        return
    yield ok("shared folder", f"what is written to {home()} on one side is read on the other")
    yield _locks(report)
    yield from _packages(place, report, look(folder))
    if place.name != HERE:
        yield ok("srun", "it is there" if report.has_srun else "it is not there, and no run needs it")


_SHARE = "let folder name a place that is on a shared disk, and zoo config home=FOLDER one in it"


def _report(place: Place, id: str, folder: Path, timeout_s: float) -> tuple[Report | None, JobState]:
    """What the job has written; None where it does not in time, and what became of it."""
    deadline, ended_at = time.monotonic() + timeout_s, float("inf")
    while True:
        state = place.state(id)
        try:
            return msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=Report), state
        except (OSError, msgspec.DecodeError):
            pass
        now = time.monotonic()
        if state.phase == "ended":
            ended_at = min(ended_at, now)
        if now > min(deadline, ended_at + SHARED_S):
            return None, state
        time.sleep(POLL_S)


def _no_report(place: Place, id: str, folder: Path, state: JobState, timeout_s: float) -> Finding:
    if state.phase != "ended":
        place.cancel(id)
        waits = "it waits there" if state.phase == "waiting" else ""
        why = ": ".join(filter(None, (waits, state.reason or ("" if waits else state.word or state.phase))))
        words = f"{id} was not through after {timeout_s:.0f} s: {why}"
        return warning("job", words, f"ask again later, or wait longer: zoo places check {place.name} --timeout 600")
    said = place.said(str(folder), id) + _text(folder / "log.txt")
    if trouble := missing_there(place, said):
        return fault("environment", *trouble)
    last = f"; it last said: {one_line(said.strip().splitlines()[-1])}" if said.strip() else ""
    words = f"{id} ended ({state.reason or state.word}), and nothing that it wrote to {folder} is seen here{last}"
    return fault("shared folder", words, _SHARE)


def _locks(report: Report) -> Finding:
    if report.locks:
        return ok("locks", "a file that is locked on one side is locked on the other")
    return warning(
        "locks",
        "a file that is locked here is not locked there, so two workers of one run would not see each other",
        "mount the shared disk with locks (on NFS without nolock, on Lustre with flock)",
    )


def _packages(place: Place, there: Report, here: Report) -> Iterator[Finding]:
    for name, version in here.versions.items():
        other = there.versions.get(name, "")
        if other == version:
            yield ok(name, f"{version} on both sides")
        elif is_same(other, version):
            yield ok(name, f"{version} here, {other} there: the same, made for other devices")
        else:
            words = f"{version} here, and {other or 'none'} there"
            yield fault(name, words, f"install the same there: pip install '{name}=={version}'")
    missing = sorted(here.plugins.keys() - there.plugins.keys())
    others = [name for name, version in here.plugins.items() if there.plugins.get(name, version) != version]
    if missing:
        install = " ".join(sorted({here.plugins[name].partition(" ")[0] for name in missing}))
        yield warning(
            "plugins", f"{name_list(tuple(missing))} not there: their models cannot run there", f"pip install {install}"
        )
    for name in others:
        words = f"{here.plugins[name]} here, and {there.plugins[name]} there"
        yield warning(f"plugin {name}", words, "install the same there")
    if not missing and not others:
        yield ok("plugins", f"{counted(len(here.plugins), 'plugin')}, the same on both sides")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
