"""`uv pip` or pip, whichever is there: what it would do, doing it, and what its complaints mean."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from zoo.errors import DownloadFailed, PluginBroken, UnknownPlugin, Unsupported, ZooError
from zoo.installation.environment import Environment
from zoo.installation.requirement import package_name
from zoo.sanitize import plain
from zoo.uv_or_pip import (
    command_of,
    complaint_of,
    find_uv,
    has_pip,
    is_of_network,
    is_of_source_only,
    normalised,
    plain_environment,
    without_password,
)

_CHANGE = re.compile(r"^ ([-+~]) ([\w.-]+)(?:==| @ )(\S+)", re.MULTILINE)
_ABSENT = ("{} was not found", "no matching distribution found for {}", "no versions of {}", "no version of {}")
_CONFLICT = ("no solution found", "resolutionimpossible", "conflict", "requirements are unsatisfiable")
_BUILD = ("failed to build", "metadata-generation-failed", "subprocess-exited-with-error", "build backend")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation does to one distribution."""

    name: str
    before: str = ""
    """Version; empty where it was not installed."""
    after: str = ""
    """Version, or the address of a folder that is still to be built; empty where it is taken away."""

    def __str__(self) -> str:
        if not self.before:
            return f"+ {self.name} {self.after}"
        if not self.after:
            return f"- {self.name} {self.before}"
        return f"~ {self.name} {self.before} -> {self.after}"


class _Metadata(msgspec.Struct):
    name: str
    version: str


class _Item(msgspec.Struct):
    metadata: _Metadata


class _Report(msgspec.Struct):
    """The report of `pip install --report`, as far as it is needed."""

    install: list[_Item]


@dataclass(frozen=True, kw_only=True)
class Installer:
    """The tool that changes one environment."""

    environment: Environment
    uv: str | None
    """Path of uv; None where pip does the work."""

    def plan(self, requirements: Sequence[str], *, build: bool) -> tuple[Change, ...]:
        """What installing would change, by asking the resolver.

        Raises:
            ZooError: it cannot be installed; of the kind that says why.
        """
        words = [*requirements, "--dry-run", *_sources(build)]
        if self.uv:
            return _changes_of_uv(self._run("install", *words).stderr)
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            self._run("install", *words, "--report", str(report))
            return self._changes_of_pip(msgspec.json.decode(report.read_bytes(), type=_Report))

    def install(self, requirements: Sequence[str], *, build: bool) -> None:
        """Install.

        Raises:
            ZooError: the tool gave up; the environment may have changed all the same.
        """
        self._run("install", *requirements, *_sources(build))

    def uninstall(self, distributions: Sequence[str]) -> None:
        """Take distributions out.

        Raises:
            ZooError: the tool gave up.
        """
        self._run("uninstall", *distributions, *([] if self.uv else ["--yes"]))

    def conflicts(self) -> frozenset[str]:
        """Requirements of installed distributions that are not met, one sentence each."""
        process = self._start("check")
        if process.returncode == 0:
            return frozenset()
        lines = f"{process.stdout}\n{process.stderr}".splitlines()
        return frozenset(line.strip() for line in lines if " require" in line or " has requirement " in line)

    def _changes_of_pip(self, report: _Report) -> tuple[Change, ...]:
        contents = self.environment.contents()
        versions = {name: one.version for name, one in contents.items()}
        return tuple(
            Change(name=one.name, before=versions.get(normalised(one.name), ""), after=one.version)
            for one in (item.metadata for item in report.install)
        )

    def _run(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        process = self._start(verb, *words)
        if process.returncode:
            raise _error_of(words[0], verb, complaint_of(plain(process.stdout), plain(process.stderr)))
        return process

    def _start(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command_of(self.uv, self.environment.python, verb), *words],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=plain_environment(),
            check=False,
        )


def find_installer(environment: Environment) -> Installer:
    """The tool that is there.

    Raises:
        Unsupported: neither uv nor pip is.
    """
    uv = find_uv()
    if uv is None and not has_pip():
        raise Unsupported("neither uv nor pip is here to install with", "install uv: https://docs.astral.sh/uv")
    return Installer(environment=environment, uv=uv)


def _sources(build: bool) -> list[str]:
    """Building a package runs its code, so that only what is built already is taken unless that is wanted."""
    return [] if build else ["--only-binary", ":all:"]


def _changes_of_uv(stderr: str) -> tuple[Change, ...]:
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for sign, name, version in _CHANGE.findall(stderr):
        if sign in "-~":
            before[name] = version
        if sign in "+~":
            after[name] = version
    names = sorted({*before, *after})
    return tuple(Change(name=name, before=before.get(name, ""), after=after.get(name, "")) for name in names)


def _error_of(requirement: str, verb: str, complaint: str) -> ZooError:
    """The tool's complaint as an error of its kind."""
    text = f"{without_password(requirement)} cannot be {verb}ed: {complaint}"
    lowered, name = complaint.lower(), normalised(package_name(requirement))

    def speaks_of(words: Sequence[str]) -> bool:
        return any(word in lowered for word in words)

    if is_of_source_only(complaint):
        return Unsupported(text, "add --build to let it be built here, which runs its author's code")
    if speaks_of(_BUILD):
        return PluginBroken(text, "the plugin's author must mend it; nothing was changed")
    if is_of_network(complaint):
        return DownloadFailed(text, "look at the network, then try again; nothing was changed")
    if name and speaks_of([words.format(name) for words in _ABSENT]):
        return UnknownPlugin(text, "look at the name and version; add --build if it only comes as source")
    if speaks_of(_CONFLICT):
        return Unsupported(text, "another version may fit: zoo install 'NAME==VERSION'; nothing was changed")
    return DownloadFailed(text, "nothing was changed")
