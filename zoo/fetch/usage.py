"""When weights were last used: a small note for each set that was fetched or loaded."""

from __future__ import annotations

import contextlib
import hashlib
import time

import msgspec

from zoo import atomic
from zoo.card import RemoteSource, Weights, WeightsFile
from zoo.encoding import encode_json
from zoo.paths import cache_folder


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a note: enough to find the files again when no card names them any more."""

    source: RemoteSource
    files: tuple[WeightsFile, ...]
    used_at: float
    """Unix time in seconds."""


def note_use(weights: Weights, source: RemoteSource) -> None:
    """Write down that the files of a source are used now."""
    use = Use(source=source, files=weights.files, used_at=time.time())
    key = hashlib.sha256(encode_json((source, sorted(file.name for file in weights.files)))).hexdigest()
    with contextlib.suppress(OSError):  # a note that cannot be written costs the date only
        atomic.write_bytes(cache_folder() / "uses" / f"{key[:32]}.json", encode_json(use))


def uses() -> tuple[Use, ...]:
    """Every note that can be read."""
    notes = []
    for path in sorted((cache_folder() / "uses").glob("*.json")):
        with contextlib.suppress(OSError, UnicodeError, msgspec.DecodeError):
            notes.append(msgspec.json.decode(path.read_bytes(), type=Use))
    return tuple(notes)
