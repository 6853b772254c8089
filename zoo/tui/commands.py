"""What one would type for what the screen is about to do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from zoo import settings


def command_line(verb: str, *words: str, flags: Mapping[str, object] | None = None) -> str:
    """A command of zoo, ready to be pasted into a shell.

    Args:
        verb: the command.
        words: what stands after it.
        flags: name, with underscores, to value; empty values are left out, True and False become --x and --no-x, and a
            list becomes a flag for each of its values.
    """
    command = ["zoo", verb, *words]
    for name, value in (flags or {}).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            command.append(f"--{flag}" if value else f"--no-{flag}")
        elif value not in ("", None):
            values = value if isinstance(value, list) else [value]
            command += [word for one in values for word in (f"--{flag}", str(one))]
    return shlex.join(command)


def place_flags(device: str, precision: str, on: str = "") -> dict[str, object]:
    """Where a job computes and in what, as flags; what a command does by itself is left out."""
    places = {"device": device, "precision": precision}
    flags: dict[str, object] = {name: text for name, text in places.items() if text != settings.value(name)}
    return flags | ({"on": on} if on else {})
