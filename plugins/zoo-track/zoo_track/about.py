"""What a tracker is told of a run once: its name, where it is, its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Setting = str | int | float | bool


class About(NamedTuple):
    """A run of zoo."""

    name: str
    folder: Path
    settings: dict[str, Setting]
    """Of the request, by dotted names, options by their own."""
    tags: dict[str, str]
    """What does not tell runs apart: versions, and where the run is."""

    @property
    def text(self) -> str:
        """A few lines for people."""
        lines = [f"zoo run {self.name}: {self.settings['verb']} {self.settings['model']}", "", self.folder.as_uri()]
        return "\n".join(lines)


def about(folder: Path) -> About:
    """Read it from the run's folder."""
    request = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    settings: dict[str, Setting] = {}
    for name in ("verb", "model", "task", "device", "precision", "processes"):
        settings |= _flat(name, request.get(name))
    settings |= _flat("data", request.get("data", {}).get("path"))
    for source in request.get("sources") or ():
        settings |= _flat(f"source.{source['name']}", {"task": source["task"], "data": source["data"]["path"]})
    for name, value in (request.get("options") or {}).items():
        settings |= _flat(name, value)
    versions = {f"version.{name}": str(version) for name, version in (request.get("versions") or {}).items()}
    return About(request["name"], folder.absolute(), settings, {"zoo.folder": str(folder.absolute()), **versions})


def _flat(name: str, value: Any) -> dict[str, Setting]:
    return dict(_entries(name, value))


def _entries(name: str, value: Any) -> Iterator[tuple[str, Setting]]:
    """What a value consists of, by dotted names; what was left open, or is empty, is left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entries(f"{name}.{key}", inner)
    elif isinstance(value, list | tuple):
        if value:
            yield name, ", ".join(map(str, value))
    elif value not in (None, ""):
        yield name, value if isinstance(value, bool | int | float) else str(value)
