"""Other names for models: a few that zoo knows, and those that a person chose, in `aliases.json` of the store."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo import atomic
from zoo.disk import cause_of
from zoo.errors import OptionInvalid, StoreInvalid
from zoo.paths import home

BUILT_IN = {
    "sentiment": "hub:distilbert/distilbert-base-uncased-finetuned-sst-2-english",
    "smollm2-135m-instruct-q4": "gpt/smollm2-135m-instruct",  # once a card of its own
}
"""What a person may say without choosing a model first; a choice of the same name goes before."""


def path() -> Path:
    """Where the choices stand."""
    return home() / "aliases.json"


def chosen() -> dict[str, str]:
    """What a person chose: name to model.

    Raises:
        StoreInvalid: the file cannot be read, or holds something else.
    """
    try:
        return msgspec.json.decode(path().read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except OSError as error:
        cause = cause_of(error, path())
        raise StoreInvalid(f"other names of models cannot be read: {cause.reason}", cause.hint) from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise StoreInvalid(f"{path()} cannot be read: {error}", "delete it; zoo alias chooses anew") from error


def aliases() -> dict[str, str]:
    """All names, each with the model it stands for: one of the catalog, or `hub:owner/name`."""
    return BUILT_IN | chosen()


def save(name: str, model: str) -> None:
    """Let a name stand for a model.

    Raises:
        StoreInvalid: it cannot be written down.
    """
    _write(chosen() | {name: model})


def remove(name: str) -> None:
    """Forget a choice; a name that zoo knows stands for what it stood for before.

    Raises:
        OptionInvalid: there is none of that name.
        StoreInvalid: it cannot be written down.
    """
    names = chosen()
    if name not in names:
        known = "zoo brings it, and zoo alias NAME MODEL lets it stand for another model" if name in BUILT_IN else ""
        raise OptionInvalid(f"nobody chose another name {name!r}", known or "zoo alias lists them")
    _write({one: model for one, model in names.items() if one != name})


def _write(names: dict[str, str]) -> None:
    try:
        atomic.write_bytes(path(), msgspec.json.format(msgspec.json.encode(names)))
    except OSError as error:
        cause = cause_of(error, path())
        raise StoreInvalid(f"other names of models cannot be written: {cause.reason}", cause.hint) from error
