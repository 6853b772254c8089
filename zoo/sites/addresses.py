"""Where a server is: `0.0.0.0:8443` as it listens, `https://host:8443` as it is called."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from zoo.errors import OptionInvalid

USUAL_PORT = 8443


class Address(NamedTuple):
    """A place in the network."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As it is called."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


def listening_address(text: str) -> Address:
    """Where a server is to listen.

    Raises:
        OptionInvalid: it is no such place.
    """
    return _address(text, "--address", f"such as 0.0.0.0:{USUAL_PORT}, or 127.0.0.1:0 for any port that is free", 0)


def called_address(text: str) -> Address:
    """Where a server is.

    Raises:
        OptionInvalid: it is no such place, or the connection would not be protected.
    """
    hint = f"such as https://federation.example:{USUAL_PORT}"
    if text.lower().startswith("http://"):
        raise OptionInvalid(f"{text} is not protected: a token would be readable on its way", hint)
    if "://" in text and not text.lower().startswith("https://"):
        raise OptionInvalid(f"{text} is no address of a server", hint)
    return _address(text, "the address", hint, 1)


def _address(text: str, what: str, hint: str, least: int) -> Address:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = USUAL_PORT if parts.port is None else parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")  # as certificates and connections have it
        fine = host and port >= least and parts.path in ("", "/") and not (parts.query or parts.fragment)
    except ValueError:
        parts, host, port, fine = urlsplit(""), "", 0, False
    if not fine or parts.username is not None:
        raise OptionInvalid(f"{what} {text!r} is none of a host and a port", hint)
    return Address(host, port)
