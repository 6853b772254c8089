"""uv or pip, whichever is here: how it is called, and what its complaints say."""

from __future__ import annotations

import os
import re
import shutil
from importlib.util import find_spec

_FRAME = re.compile(r"[\u00d7\u2500-\u257f\u25b6]+")
_NETWORK = ("error sending request", "failed to fetch", "could not connect", "connection", "timed out", "network")
_SOURCE_ONLY = ("no wheels", "no usable wheels", "building from source is disabled", "building source")


def find_uv() -> str | None:
    """Path of uv, which is taken before pip."""
    return shutil.which("uv")


def has_pip() -> bool:
    """Whether the running Python has pip."""
    return find_spec("pip") is not None


def command_of(uv: str | None, python: str, verb: str) -> list[str]:
    """The words that begin a call: of `uv pip`, or of the pip of a Python.

    Args:
        uv: path of uv; None for pip.
        python: the interpreter whose environment or platform is meant.
        verb: the subcommand.
    """
    if uv:
        return [uv, "pip", verb, "--python", python]
    return [python, "-P", "-m", "pip", verb, "--disable-pip-version-check", "--no-input"]


def plain_environment() -> dict[str, str]:
    """The variables of this process, so that settings hold, with output that can be read by a program."""
    return {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def complaint_of(stdout: str, stderr: str) -> str:
    """What the tool says went wrong, on one line: its stderr, and what pip writes of a conflict on its stdout."""
    cause = re.search(r"The conflict is caused by:.*?(?=\n\n|\Z)", stdout, re.DOTALL)
    lines = [line for line in stderr.splitlines() if not line.lower().startswith(("using ", "warning"))]
    text = " ".join(_FRAME.sub(" ", " ".join([*lines, cause[0] if cause else ""])).split())
    return re.sub("^error: ", "", text, flags=re.IGNORECASE).replace(" cause: ", ": ")[:1500]


def is_of_network(complaint: str) -> bool:
    """Whether a complaint is about a server that cannot be reached or breaks off."""
    return any(words in complaint.lower() for words in _NETWORK)


def is_of_source_only(complaint: str) -> bool:
    """Whether a complaint is about a distribution that would have to be built."""
    return any(words in complaint.lower() for words in _SOURCE_ONLY)


def without_password(text: str) -> str:
    """The same without the name and password that an http address may hold: what may be shown and written down."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1", text)


def normalised(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
