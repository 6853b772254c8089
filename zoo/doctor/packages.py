"""Whether every package that zoo and its plugins need is installed, in a version that they can do with."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import distributions
from typing import NamedTuple

from zoo.discovery import HOST, distribution_of, installed
from zoo.findings import Finding, fault, ok, warning
from zoo.plurals import counted, name_list
from zoo.uv_or_pip import find_uv, normalised

GROUPS = ("zoo.plugins", "zoo.tasks", "zoo.formats", "zoo.places")
"""Entry points by which distributions bring something to zoo."""


class Unmet(NamedTuple):
    """A requirement that does not hold."""

    requirement: str
    """Name and range, without its condition."""
    name: str
    version: str
    """Of what is installed; empty where nothing is."""
    by: str
    """Who needs it."""

    @property
    def words(self) -> str:
        """What is wrong, in words."""
        here = f"{self.version} is installed" if self.version else "it is not installed"
        return f"{self.by} needs {self.requirement}, and {here}"


def look() -> Iterator[Finding]:
    """What is needed, what is there twice, and which extras there are."""
    everything = list(_read_all())
    here = {one.name: one for one in reversed(everything)}  # of one that is there twice what comes first
    roots = {HOST, *(distribution_of(point)[0] for group in GROUPS for point in installed(group))}
    known = {name for name in map(normalised, roots) if name in here}
    count, unmet = _walk(here, known)
    yield from (fault(one.name, one.words, install_command(one.requirement)) for one in unmet)
    if not unmet:
        yield ok("requirements", f"{counted(count, 'package')} that {_brought_by(known)} need are here, in range")
    yield from _twice(everything)
    if HOST in here:
        yield from _extras(here)


def install_command(requirement: str) -> str:
    """The command that installs something into this environment."""
    python, quoted = shlex.quote(sys.executable), shlex.quote(requirement)
    return f"uv pip install --python {python} {quoted}" if find_uv() else f"{python} -m pip install {quoted}"


def _brought_by(roots: set[str]) -> str:
    others = len(roots - {HOST})
    return f"zoo and {counted(others, 'package')} of plugins" if others else "zoo alone does"


class _Package(NamedTuple):
    """A distribution, as its metadata describe it, which are parsed once."""

    name: str
    """Normalised."""
    version: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]
    folder: str


def _read_all() -> Iterator[_Package]:
    """What can be imported, in the order in which it is looked for; what is half removed has no name."""
    for one in distributions():
        metadata = one.metadata
        if metadata and metadata["Name"]:
            requires, extras = (tuple(metadata.get_all(field) or ()) for field in ("Requires-Dist", "Provides-Extra"))
            name, version = normalised(metadata["Name"]), metadata["Version"] or ""
            yield _Package(name, version, requires, extras, str(one.locate_file("")))


def _walk(here: dict[str, _Package], roots: set[str]) -> tuple[int, list[Unmet]]:
    """All that is needed, however indirectly: how many there are, and what does not hold."""
    unmet: dict[str, Unmet] = {}
    visited: set[tuple[str, str]] = set()
    waiting = [(root, "") for root in sorted(roots)]
    while waiting:
        one = waiting.pop()
        if one in visited:
            continue
        visited.add(one)
        for need in _needs(here[one[0]], one[1]):
            if problem := _problem(need, here, _called(*one)):
                unmet.setdefault(problem.requirement, problem)
            elif need.name in here:
                waiting += [(need.name, extra) for extra in ("", *need.extras)]
    return len({name for name, _ in visited} - roots), list(unmet.values())


class _Need(NamedTuple):
    name: str
    text: str
    extras: tuple[str, ...]
    range: str


def _needs(package: _Package, extra: str) -> Iterator[_Need]:
    """What a package cannot do without, or what one of its extras adds."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in package.requires:
        try:
            one = Requirement(text)
        except InvalidRequirement:  # its author's slip: installers refuse or pass over it, and nothing follows from it
            continue
        always = one.marker is None or one.marker.evaluate({"extra": ""})
        if (one.marker is not None and not always and one.marker.evaluate({"extra": extra})) if extra else always:
            extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
            name = normalised(one.name)
            yield _Need(name, f"{one.name}{extras}{one.specifier}", tuple(one.extras), str(one.specifier))


def _problem(need: _Need, here: dict[str, _Package], by: str) -> Unmet | None:
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    if need.name not in here:
        return Unmet(need.text, need.name, "", by)
    version = here[need.name].version
    try:
        fits = SpecifierSet(need.range).contains(version, prereleases=True)
    except InvalidVersion:  # an author's slip, or nothing but the name is left of its metadata
        fits, version = False, f"a version {version!r}"
    return None if fits else Unmet(need.text, need.name, version, by)


def _called(name: str, extra: str) -> str:
    return f"{name}[{extra}]" if extra else name


def _twice(everything: Sequence[_Package]) -> Iterator[Finding]:
    """Packages of which one folder has two versions, as an upgrade leaves them that was broken off."""
    versions: dict[tuple[str, str], set[str]] = {}
    for one in everything:
        versions.setdefault((one.name, one.folder), set()).add(one.version)
    for (name, folder), several in sorted(versions.items()):
        if len(several) > 1:
            words = f"{' and '.join(sorted(several))} are both installed in {folder}"
            yield warning(name, words, f"{install_command(name)} --force-reinstall")


def _extras(here: dict[str, _Package]) -> Iterator[Finding]:
    """What zoo can do with more packages: which of them are here, and which in a version that does not do."""
    there: list[str] = []
    absent: list[str] = []
    for extra in here[HOST].extras:
        problems = [_problem(need, here, _called(HOST, extra)) for need in _needs(here[HOST], extra)]
        wrong = [one for one in problems if one is not None and one.version]
        yield from (warning(f"extra {extra}", one.words, install_command(f"{HOST}[{extra}]")) for one in wrong)
        if not wrong:
            (absent if any(problems) else there).append(extra)
    more = f"; not here: {name_list(tuple(absent))}" if absent else ""
    mend = install_command(f"{HOST}[{','.join(absent)}]") if absent else ""
    yield ok("extras", f"installed: {name_list(tuple(there))}{more}", mend)
