"""Where a source's files stand, or would stand, on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from zoo.card import FolderSource, HubSource, PackageSource, Source
from zoo.errors import DownloadFailed
from zoo.paths import cache_folder

_ENDPOINT = "https://huggingface.co"


def place_of(source: Source) -> Path:
    """The folder of a source's files.

    Raises:
        DownloadFailed: it is in a package that is not installed.
    """
    match source:
        case FolderSource():
            return Path(source.path)
        case PackageSource():
            return _package_folder(source)
        case HubSource():
            return hub_repository_folder(source) / "snapshots" / source.revision
        case _:
            return cache_folder() / "url" / hashlib.sha256(source.base_url.encode()).hexdigest()[:32]


def hub_repository_folder(source: HubSource) -> Path:
    """The repository's folder in the standard cache of the Hugging Face Hub, which other tools share."""
    return hub_cache() / f"models--{source.repository.replace('/', '--')}"


def hub_cache() -> Path:
    """HF_HUB_CACHE, else the hub folder of HF_HOME, else the user's cache."""
    return Path(os.environ.get("HF_HUB_CACHE") or _hub_home() / "hub").expanduser()


def hub_endpoint() -> str:
    """Address of the Hub, or of a mirror (HF_ENDPOINT, a path prefix included)."""
    return os.environ.get("HF_ENDPOINT", _ENDPOINT).rstrip("/")


def hub_offline() -> bool:
    """Whether the Hub must not be asked (HF_HUB_OFFLINE)."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def hub_token() -> str | None:
    """The person's token for the Hub: HF_TOKEN, else the file that `hf auth login` writes."""
    if token := os.environ.get("HF_TOKEN"):
        return token.strip()
    path = Path(os.environ.get("HF_TOKEN_PATH") or _hub_home() / "token").expanduser()
    return path.read_text().strip() or None if path.is_file() else None


def _hub_home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{cache}/huggingface").expanduser()


def _package_folder(source: PackageSource) -> Path:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        installed = distribution(source.distribution)
    except PackageNotFoundError:
        raise DownloadFailed(
            f"the package {source.distribution} is not installed", f"pip install {source.distribution}"
        ) from None
    return Path(str(installed.locate_file(source.folder)))
