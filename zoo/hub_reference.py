"""How people name a model of the Hugging Face Hub: `hub:owner/name[@revision]`, or the address of its page."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from zoo.card import Repository
from zoo.errors import OptionInvalid
from zoo.fetch.places import hub_endpoint

PREFIX = "hub:"
_HOSTS = ("huggingface.co", "hf.co")
_OTHER_PAGES = {"datasets": "data set", "spaces": "Space", "collections": "collection", "papers": "paper"}
_AT_REVISION = ("tree", "blob", "resolve", "raw", "commit")
"""What stands before the revision in addresses of the Hub."""


class HubReference(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the Hub at a branch, tag or commit."""

    repository: Repository
    revision: str = "main"

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision != "main" else "")


def is_reference(text: str) -> bool:
    """Whether a text can mean nothing but something of the Hub: it has the prefix, or is an address there."""
    return text.startswith(PREFIX) or _path_of_address(text) is not None


def parse_reference(text: str) -> HubReference:
    """Read `hub:owner/name`, `owner/name`, or an address as a browser shows it, each with a revision or without.

    Raises:
        OptionInvalid: it names no model of the Hub.
    """
    path = _path_of_address(text)
    if path is None:
        repository, _, revision = text.removeprefix(PREFIX).partition("@")
    else:
        parts = [part for part in path.split("/") if part]
        if parts and parts[0] in _OTHER_PAGES:
            raise OptionInvalid(
                f"{text!r} is a {_OTHER_PAGES[parts[0]]} of the Hub", "zoo pull takes models; zoo search finds them"
            )
        repository, _, revision = "/".join(parts[:2]).partition("@")
        if len(parts) > 3 and parts[2] in _AT_REVISION:
            revision = unquote(parts[3])
    try:
        return HubReference(repository=msgspec.convert(repository, Repository), revision=revision or "main")
    except msgspec.ValidationError as error:
        raise OptionInvalid(
            f"{text!r} names no repository of the Hub", "give hub:owner/name, or hub:owner/name@revision"
        ) from error


def _path_of_address(text: str) -> str | None:
    """What stands after the server in an address of the Hub, or of its mirror; None for any other text."""
    address = re.sub(r"^(?:https?:)?//(?:www\.)?", "", text.strip())
    mirror = re.sub(r"^https?://", "", hub_endpoint())
    for host in (*_HOSTS, mirror):
        if address.startswith(f"{host}/"):
            return re.split(r"[?#]", address.removeprefix(f"{host}/"))[0]
    return None
