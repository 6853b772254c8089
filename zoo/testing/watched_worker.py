"""A worker that notes what code of a plugin writes: `python -m zoo.testing.watched_worker`, as `watched_command` says.

What a library writes that the plugin calls counts as the plugin's; what zoo writes for it does not. Libraries of native
code write unseen.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PATH_OF = {"open": 0, "os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "sqlite3.connect": 0}
"""Audited event to the place of the path among its arguments."""


def watched_command(notes: Path, temporary: Path, package: str, run_folder: Path) -> list[str]:
    """What runs such a worker.

    Args:
        notes: file that gets a line for each path that is written.
        temporary: folder for temporary files.
        package: import name of the plugin's own package.
        run_folder: of the run.
    """
    return [sys.executable, "-m", "zoo.testing.watched_worker", str(notes), str(temporary), package, str(run_folder)]


def _watch(notes: int, package: str) -> None:
    """Note what is opened for writing, made or renamed from now on.

    Args:
        notes: descriptor to write to.
        package: whose doing it is.
    """

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event not in _PATH_OF or (event == "open" and not _writes(args[1], args[2])):
            return
        path = args[_PATH_OF[event]]
        if isinstance(path, str | bytes | os.PathLike) and _author() == package:
            os.write(notes, os.fsencode(os.path.abspath(path)) + b"\n")  # noqa: PTH100 - pathlib may be half imported

    def _author() -> str:
        """Whose code it was: the plugin's or zoo's, whichever is nearer."""
        frame = sys._getframe(2)
        while frame is not None:
            root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if root in (package, "zoo"):
                return root
            frame = frame.f_back  # type: ignore[assignment]
        return ""

    sys.addaudithook(hook)


def _writes(mode: Any, flags: Any) -> bool:
    return bool(set(mode) & set("wax+")) if isinstance(mode, str) else bool(isinstance(flags, int) and flags & _WRITING)


def main(notes: str, temporary: str, package: str, run_folder: str) -> int:
    """Work on the run, watched."""
    from zoo.runs import worker

    os.environ |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary)
    os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)  # which torch, once imported by the tests, sets to its own choice
    tempfile.tempdir = temporary
    _watch(os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), package)
    return worker.main([run_folder])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
