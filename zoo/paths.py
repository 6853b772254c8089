"""Where zoo keeps its files: as the setting `home` (`ZOO_HOME`) says, else where the platform means them to be."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.disk import file_in_the_way
from zoo.errors import StoreInvalid
from zoo.settings import value

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
"""What a run may be called; its folder is."""


def home() -> Path:
    """The folder of everything a person would miss: runs and their results.

    Raises:
        StoreInvalid: a file stands where the folder is to be.
    """
    if override := value("home"):
        folder = Path(override).expanduser().absolute()
    else:
        import platformdirs

        folder = platformdirs.user_data_path("zoo", appauthor=False)
    if obstacle := file_in_the_way(folder):
        words = f"the folder of zoo is to be {folder}, but {obstacle} is a file"
        raise StoreInvalid(words, "set ZOO_HOME to a folder, or move the file away")
    return folder


def runs_folder() -> Path:
    """One folder per run."""
    return home() / "runs"


def hub_models_folder() -> Path:
    """One file per model that was pulled from the Hub without a card."""
    return home() / "hub-models"


def cache_folder() -> Path:
    """What can be made again: measurements of devices, verdicts on digests."""
    if value("home"):
        return home() / "cache"
    import platformdirs

    return platformdirs.user_cache_path("zoo", appauthor=False)


def plugin_cache_folder(plugin: str) -> Path:
    """What a plugin can make again."""
    return cache_folder() / "plugins" / plugin
