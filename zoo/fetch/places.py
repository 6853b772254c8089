"""Where a source's files stand, or would stand, on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from zoo.card import FolderSource, HubSource, PackageSource, RemoteSource, Source, TorchHubSource, WheelSource
from zoo.entry_points import folder_of
from zoo.errors import DownloadFailed
from zoo.paths import cache_folder
from zoo.uv_or_pip import normalised

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
        case TorchHubSource():
            return torch_checkpoints()
        case WheelSource():
            return _wheel_folder(source)
        case _:
            return url_cache() / hashlib.sha256(source.base_url.encode()).hexdigest()[:32]


def partial_folder_of(source: RemoteSource) -> Path:
    """Where files stand while they arrive: on the disk of their place, but apart, for others read that folder, too."""
    if isinstance(source, HubSource):
        return hub_repository_folder(source) / ".zoo" / source.revision
    return partials_beside(place_of(source))


def partials_beside(folder: Path) -> Path:
    """Where the files of a folder of zoo's own, or of torch.hub's, stand while they arrive."""
    return folder.with_name(f"{folder.name}.zoo")


def partial_of(folder: Path, name: str) -> Path:
    """A file while it arrives, below a folder for such."""
    return folder / f"{name}.partial"


def lock_of(folder: Path, name: str) -> Path:
    """What a process locks while it fetches a file into a folder for such."""
    return folder / f"{name}.lock"


def url_cache() -> Path:
    """Files from plain addresses, a folder for each."""
    return cache_folder() / "url"


def wheel_cache() -> Path:
    """Files out of wheels of the package index, a folder for each wheel and folder inside it."""
    return cache_folder() / "wheel"


WHEEL_WORK = ".wheel"
"""Names, among unfinished files, the folder that uv or pip writes a wheel into."""


def torch_checkpoints() -> Path:
    """Where torch.hub keeps files, which torchvision shares."""
    return _torch_home() / "hub" / "checkpoints"


def hub_repository_folder(source: HubSource) -> Path:
    """The repository's folder in the standard cache of the Hugging Face Hub, which other tools share."""
    return hub_cache() / f"models--{source.repository.replace('/', '--')}"


def hub_cache() -> Path:
    """HF_HUB_CACHE, else the hub folder of HF_HOME, else the user's cache."""
    return _expanded(os.environ.get("HF_HUB_CACHE") or str(_hub_home() / "hub"))


def hub_endpoint() -> str:
    """Address of the Hub, or of a mirror (HF_ENDPOINT, a path prefix included)."""
    return (os.environ.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/")


def hub_offline() -> bool:
    """Whether the Hub must not be asked (HF_HUB_OFFLINE)."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def hub_token() -> str | None:
    """The person's token for the Hub: HF_TOKEN, else the file that `hf auth login` writes.

    Raises:
        DownloadFailed: it cannot be a token; it is not shown.
    """
    token = os.environ.get("HF_TOKEN", "").strip() or _stored_token()
    if not all("!" <= character <= "~" for character in token):
        raise DownloadFailed(
            "the token for the Hub has characters that no token has", "look at HF_TOKEN, or log in anew: hf auth login"
        )
    return token or None


def _stored_token() -> str:
    path = _expanded(os.environ.get("HF_TOKEN_PATH") or str(_hub_home() / "token"))
    return path.read_text(errors="replace").strip() if path.is_file() else ""


def _hub_home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(os.environ.get("HF_HOME") or f"{cache}/huggingface")


def _torch_home() -> Path:
    """As torch.hub finds it: without $NAME, and an empty variable counts."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))).expanduser()  # noqa: PTH118


def _expanded(path: str) -> Path:
    """As the Hub's own client reads it: with ~ and $NAME."""
    return Path(os.path.expandvars(path)).expanduser()


def _wheel_folder(source: WheelSource) -> Path:
    """Named for people; what tells two folders of one wheel apart is the digest."""
    name = normalised(source.distribution)
    digest = hashlib.sha256(f"{name}=={source.version}/{source.folder}".encode()).hexdigest()[:8]
    return wheel_cache() / f"{name}-{source.version.replace('!', '_')}-{digest}"


def _package_folder(source: PackageSource) -> Path:
    folder = folder_of(source.distribution)
    if folder is None:
        raise DownloadFailed(
            f"the package {source.distribution} is not installed", f"pip install {source.distribution}"
        )
    return Path(folder, source.folder)
