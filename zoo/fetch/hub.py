"""What the Hugging Face Hub knows of its models: asked through its HTTP API."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from zoo.card import Commit, HubSource, Repository, WeightsFile
from zoo.errors import DownloadFailed
from zoo.fetch.http import (
    REDIRECTS,
    RETRIED,
    new_client,
    next_address,
    raise_where_offline,
    rate_limited,
    report_wait,
    retry_after_s,
    server_of,
    without_password,
    words,
)
from zoo.fetch.places import hub_endpoint, hub_offline, hub_token

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4
BACKOFF_S = 0.5
MAX_WAIT_S = 10.0
MAX_ANSWER_BYTES = 32_000_000
"""Longest answer of the API; a repository of ten thousand files takes a tenth of it."""
HINTS = {
    401: "it does not exist, is private or gated: check the name, or set HF_TOKEN",
    403: "you may not read it: ask its owner for access, and set HF_TOKEN",
    404: "check the name and the revision; zoo search finds models",
}
AnswerT = TypeVar("AnswerT")


class _Lfs(msgspec.Struct, frozen=True):
    sha256: str | None = None
    size: int | None = None


class _File(msgspec.Struct, frozen=True):
    rfilename: str
    size: int | None = None
    lfs: _Lfs | None = None


class _Safetensors(msgspec.Struct, frozen=True):
    total: int | None = None


class _Info(msgspec.Struct, frozen=True):
    id: Repository
    sha: Commit
    siblings: tuple[_File, ...] = ()
    tags: tuple[str, ...] = ()
    card_data: Any = msgspec.field(default=None, name="cardData")
    safetensors: _Safetensors | None = None


class HubRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository at one commit."""

    name: str
    """As the Hub calls it now; it may have been renamed."""
    commit: str
    files: tuple[WeightsFile, ...]
    """Sizes of all; digests of the large ones. Files whose names could lead out of a folder are left out."""
    tags: tuple[str, ...]
    parameters: int | None
    license: str
    languages: tuple[str, ...]


class HubHit(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a search."""

    id: str
    """`owner/name`."""
    pipeline_tag: str = ""
    downloads: int = 0
    """In the last thirty days."""
    likes: int = 0
    tags: tuple[str, ...] = ()

    @property
    def license(self) -> str:
        """SPDX identifier, as the tags state it."""
        return next((tag.removeprefix("license:") for tag in self.tags if tag.startswith("license:")), "")


def describe(repository: str, revision: str = "main") -> HubRepository:
    """What a repository holds at a branch, tag or commit.

    Raises:
        DownloadFailed: the Hub cannot be asked, or does not show it.
    """
    with _hub(f"{repository} cannot be looked up") as hub:
        path = f"/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
        info = _decoded(hub, path, _Info)
    stated = info.card_data if isinstance(info.card_data, dict) else {}
    return HubRepository(
        name=info.id,
        commit=info.sha,
        files=_files(info),
        tags=info.tags,
        parameters=info.safetensors.total if info.safetensors else None,
        license=", ".join(_texts(stated.get("license"))),
        languages=_texts(stated.get("language")),
    )


def read_files(source: HubSource, names: list[str], limit_bytes: int) -> dict[str, bytes]:
    """The content of small files.

    Raises:
        DownloadFailed: one cannot be had, or is larger.
    """
    with _hub(f"{source.repository} cannot be read") as hub:
        base = f"/{source.repository}/resolve/{source.revision}"
        return {name: hub.get(f"{base}/{quote(name)}", limit_bytes) for name in names}


def search(text: str, *, task: str = "", limit: int = 20) -> tuple[HubHit, ...]:
    """Models with safetensors, those fetched most first.

    Args:
        text: what their names must hold.
        task: pipeline name.
        limit: most answers.

    Raises:
        DownloadFailed: the Hub cannot be asked.
    """
    parameters = {"search": text, "pipeline_tag": task, "filter": "safetensors", "sort": "downloads"}
    query = urlencode(
        {**{name: value for name, value in parameters.items() if value}, "limit": limit}, errors="replace"
    )
    with _hub("the Hub cannot be searched") as hub:
        return _decoded(hub, f"/api/models?{query}", tuple[HubHit, ...])


class _Hub:
    """The Hub, or its mirror, for a few questions."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._endpoint = hub_endpoint()
        self._token = hub_token()
        self._wait_reported = False

    def get(self, path: str, limit_bytes: int = MAX_ANSWER_BYTES) -> bytes:
        """The whole of a short answer; a server that is busy is asked again."""
        import httpx

        address = self._endpoint + path
        for attempt in range(ATTEMPTS):
            try:
                response, content = self._follow(address, limit_bytes)
                fault, wait_s = f"the server answered {response.status_code}", retry_after_s(response)
            except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.DecodingError) as error:
                raise DownloadFailed(f"{without_password(address)}: {words(error)}", "look at HF_ENDPOINT") from error
            except httpx.TransportError as error:
                raise_where_offline(error, address)
                fault, wait_s = words(error), None
            else:
                if response.status_code == 200:
                    return content
                last = attempt == ATTEMPTS - 1 or (wait_s or 0) > MAX_WAIT_S
                if response.status_code == 429 and last:
                    raise rate_limited(address, wait_s, token_would_help=not self._token)
                if response.status_code not in RETRIED:
                    hint = HINTS.get(response.status_code, "try again later")
                    raise DownloadFailed(f"{without_password(address)}: {fault}", hint)
            if attempt < ATTEMPTS - 1:
                self._pause(address, fault, wait_s, attempt)
        raise DownloadFailed(
            f"{without_password(address)}: {fault}", "look at the network, or HF_ENDPOINT, and try again"
        )

    def _pause(self, address: str, fault: str, wait_s: float | None, attempt: int) -> None:
        """Wait as long as the server asks, or longer each time, with jitter."""
        if wait_s and not self._wait_reported:
            report_wait(address, fault, min(wait_s, MAX_WAIT_S))
            self._wait_reported = True
        backoff_s = BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
        time.sleep(min(backoff_s if wait_s is None else wait_s, MAX_WAIT_S))

    def _follow(self, address: str, limit_bytes: int) -> tuple[httpx.Response, bytes]:
        """Ask, and follow redirects; the token stays with the Hub's own server."""
        url = address
        for _ in range(REDIRECTS):
            mine = self._token and server_of(url) == server_of(self._endpoint)
            headers = {"Authorization": f"Bearer {self._token}"} if mine else {}
            with self._client.stream("GET", url, headers=headers) as response:
                if response.has_redirect_location:
                    url = next_address(response, address)
                    continue
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > limit_bytes:
                        raise DownloadFailed(
                            f"{without_password(address)} has more than {limit_bytes:,} bytes",
                            "the model cannot be used",
                        )
                return response, bytes(content)
        raise DownloadFailed(
            f"{without_password(address)} redirects in circles", "the server is at fault; try again later"
        )


@contextlib.contextmanager
def _hub(what: str) -> Iterator[_Hub]:
    """Somebody to ask, unless that is forbidden."""
    if hub_offline():
        raise DownloadFailed(f"{what}: HF_HUB_OFFLINE forbids to ask the Hub", "unset HF_HUB_OFFLINE")
    with new_client() as client:
        yield _Hub(client)


def _decoded(hub: _Hub, path: str, kind: type[AnswerT]) -> AnswerT:
    answer = hub.get(path)
    try:
        return msgspec.json.decode(answer, type=kind)
    except (UnicodeError, msgspec.DecodeError) as error:
        raise DownloadFailed(
            f"{without_password(hub_endpoint())} does not answer as the Hub does: {error}", "look at HF_ENDPOINT"
        ) from error


def _files(info: _Info) -> tuple[WeightsFile, ...]:
    files = []
    for file in info.siblings:
        stated = {"name": file.rfilename, "size_bytes": file.size, "sha256": file.lfs.sha256 if file.lfs else None}
        with contextlib.suppress(msgspec.ValidationError):
            files.append(msgspec.convert(stated, WeightsFile))
    return tuple(files)


def _texts(value: object) -> tuple[str, ...]:
    """A text, or each text of a list; authors write both."""
    values = value if isinstance(value, list) else [value]
    return tuple(one for one in values if isinstance(one, str))
