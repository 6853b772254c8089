"""A wheel from the package index: the call of uv or pip that brings it, and how it is ended.

uv has no command that leaves a wheel as it is, so it unpacks into a folder and a cache of its own here; pip leaves the
wheel. Neither changes the environment nor runs anything of what it brings.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.card import WheelSource
from zoo.errors import DownloadFailed
from zoo.fetch.index_complaints import error_of, is_without_network, offline
from zoo.sanitize import plain
from zoo.uv_or_pip import command_of, find_uv, has_pip, plain_environment

POLL_S = 0.1
GRACE_S = 2.0
"""How long a call that is to end may take before it is killed."""
_CONTRADICTING = ("UV_COMPILE_BYTECODE", "UV_REQUIRE_HASHES", "PIP_REQUIRE_HASHES", "UV_QUIET", "PIP_QUIET")
"""Settings that would keep a call from working, or from saying what is wrong; digests are checked here."""


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """What was brought."""

    path: Path
    """The wheel itself, or the folder it was unpacked into."""
    yanked: bool
    """Whether its publisher has withdrawn it from the index."""


def bring_wheel(source: WheelSource, folder: Path, watch: Callable[[], None]) -> Wheel:
    """Let uv, or else pip, bring a wheel.

    Args:
        source: which one.
        folder: an empty one, where everything is put.
        watch: called several times a second; ends the call by raising.

    Raises:
        DownloadFailed: neither is here, or it did not bring the wheel; says why.
    """
    uv = find_uv()
    if uv is None and not has_pip():
        raise DownloadFailed(
            f"{source} needs uv or pip, and neither is here",
            "install uv, which is one file, or pip: python -m ensurepip",
        )
    words, path = _uv_words(folder) if uv else _pip_words(folder)
    command = [*command_of(uv, sys.executable, "install" if uv else "download"), *words]
    command.append(f"{source.distribution}=={source.version}")
    tool = "uv" if uv else "pip"
    status, log = _run(command, folder, {}, watch)
    if status is None:  # it speaks of no network: once more, without the waits between tries
        status, log = _run(command, folder, {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "0"}, watch)
        if status:
            raise offline(source, tool)
    if status:
        raise error_of(source, tool, status, log, folder)
    wheels = [path] if uv else list(path.glob("*.whl"))
    if not wheels:
        raise DownloadFailed(f"pip brought no wheel of {source}", "report it to the authors of zoo")
    return Wheel(path=wheels[0], yanked=re.search(r"^warning.*yanked", log, re.IGNORECASE | re.MULTILINE) is not None)


def _uv_words(folder: Path) -> tuple[list[str], Path]:
    """The words of a call of uv, and where it puts what it brings."""
    target = folder / "unpacked"
    places = ["--target", str(target), "--cache-dir", str(folder / "cache"), "--link-mode", "hardlink"]
    return ["-v", "--no-deps", "--no-compile", "--only-binary", ":all:", *places], target


def _pip_words(folder: Path) -> tuple[list[str], Path]:
    """The words of a call of pip, and the folder it puts the wheel into."""
    target = folder / "wheel"
    words = ["-vv", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir"]
    return [*words, "--progress-bar=off", "--dest", str(target)], target


def _run(
    command: list[str], folder: Path, variables: dict[str, str], watch: Callable[[], None]
) -> tuple[int | None, str]:
    """The exit status of a call, and what it said; None as soon as it speaks of no network and would try again."""
    log = folder / "log.txt"
    environment = {name: value for name, value in plain_environment().items() if name not in _CONTRADICTING}
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)) | variables
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the call
        )
    try:
        while process.poll() is None:
            watch()
            if not variables and is_without_network(log.read_text(errors="replace")):
                return None, ""
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
    finally:
        _end(process)
    return process.returncode, plain(log.read_text(encoding="utf-8", errors="replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a call that still goes on, with all that it started."""
    if process.poll() is not None:
        return
    _send(process, "SIGTERM")
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _send(process, "SIGKILL")
        process.wait()


def _send(process: subprocess.Popen[bytes], name: str) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.Signals[name])
