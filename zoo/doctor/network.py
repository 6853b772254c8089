"""The servers that models come from: whether they answer, and whether the Hub knows its token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from zoo.errors import DownloadFailed
from zoo.fetch.http import new_client, without_password
from zoo.fetch.places import hub_endpoint, hub_offline, hub_token
from zoo.findings import Finding, fault, ok, warning
from zoo.sanitize import error_text

TORCH = "https://download.pytorch.org"
"""Where torchvision's weights come from."""
MEND = "look at the network, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE"


def look() -> Iterator[Finding]:
    """One small request to each."""
    if hub_offline():
        yield warning("the Hub", "HF_HUB_OFFLINE is set: nothing is fetched from it", "unset HF_HUB_OFFLINE")
    else:
        mirrored = f"{MEND}; HF_ENDPOINT names a mirror"
        answer = _answer("the Hub", hub_endpoint(), mirrored)
        yield answer
        if answer.mark == "ok":
            yield from _token()
    yield _answer("torchvision's weights", TORCH, MEND)


def _answer(about: str, address: str, mend: str) -> Finding:
    """Whether a server says anything at all."""
    import httpx

    shown, start = without_password(address), time.monotonic()
    try:
        with new_client(brief=True) as client:
            status = client.head(address).status_code
    except DownloadFailed as error:
        return fault(about, f"{shown}: {error.message}", error.hint)
    except httpx.HTTPError as error:
        return fault(about, f"{shown} cannot be reached: {error_text(error)}", mend)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return fault(about, f"{shown} answers {status}: the server is out of order", "try again later")
    return ok(about, f"{urlsplit(shown).netloc} answers in {1000 * (time.monotonic() - start):.0f} ms")


def _token() -> Iterator[Finding]:
    """Whether the Hub takes the token of this person, where there is one."""
    import httpx

    try:
        token = hub_token()
    except DownloadFailed as error:
        yield fault("token for the Hub", error.message, error.hint)
        return
    if not token:
        yield ok("token for the Hub", "none: models that need an agreement cannot be had", "hf auth login")
        return
    try:
        with new_client(brief=True) as client:
            address = f"{hub_endpoint()}/api/whoami-v2"
            status = client.get(address, headers={"Authorization": f"Bearer {token}"}).status_code
    except (httpx.HTTPError, DownloadFailed) as error:
        yield warning("token for the Hub", f"whether it is taken is not known: {error_text(error)}", MEND)
        return
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        yield fault("token for the Hub", f"the Hub refuses it ({status})", "hf auth login, or unset HF_TOKEN")
    else:
        yield ok("token for the Hub", "there is one, and the Hub takes it")
