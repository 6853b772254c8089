"""How often files are opened, in this process and in children that inherit PYTHONPATH."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_counters: list[tuple[str, list[str]]] = []
_folders: list[tuple[str, Counter[str]]] = []


def _note(event: str, args: tuple[object, ...]) -> None:
    if event not in ("open", "os.scandir") or not isinstance(args[0], str | os.PathLike):
        return
    name = os.fsdecode(args[0])
    for path, opened in _counters:
        if name == path:
            opened.append(path)
    for folder, reads in _folders:
        if name.startswith(folder):
            reads[name] += 1


sys.addaudithook(_note)  # there is no way to remove one


@contextmanager
def opened(path: Path) -> Iterator[list[str]]:
    """Grows by one each time this process opens the file within the block."""
    counter: tuple[str, list[str]] = (str(path), [])
    _counters.append(counter)
    try:
        yield counter[1]
    finally:
        _counters.remove(counter)


@contextmanager
def reads_below(folder: Path) -> Iterator[Counter[str]]:
    """How often this process opens each file and lists each folder below a folder within the block, by their paths."""
    counter = (str(folder), Counter[str]())
    _folders.append(counter)
    try:
        yield counter[1]
    finally:
        _folders.remove(counter)


SITE = """
import os, sys

def note(event, args):
    if event not in ("open", "os.scandir") or not isinstance(args[0], (str, os.PathLike)):
        return
    if os.fsdecode(args[0]).startswith({path!r}):
        log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, f"{{os.getpid()}} {{os.fsdecode(args[0])}}\\n".encode())
        os.close(log)

sys.addaudithook(note)
"""


def watch_children(site: Path, path: Path) -> Path:
    """Let every child whose PYTHONPATH has the site note what it opens and lists; returns where, see `by_process`.

    Args:
        site: a folder.
        path: of a file, or of a folder whose files and folders count.
    """
    log = site / "opened.log"
    (site / "sitecustomize.py").write_text(SITE.format(path=str(path), log=str(log)), encoding="utf-8")
    return log


def by_process(log: Path) -> list[Counter[str]]:
    """How often each process has opened each file and listed each folder, in the order in which they began to."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for line in log.read_text(encoding="utf-8").splitlines():
        process, _, path = line.partition(" ")
        counts[process][path] += 1
    return list(counts.values())
