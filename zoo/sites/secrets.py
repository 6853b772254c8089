"""What a run of sites keeps beside its request, for its owner alone: digests of tokens and a key, or the own token."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from zoo import atomic
from zoo.errors import StoreInvalid
from zoo.sites.tokens import ONLY_OWNER


class Secrets(NamedTuple):
    """The folder of them, in that of a run."""

    folder: Path

    @property
    def digests(self) -> Path:
        """Of the tokens that a server gave out."""
        return self.folder / "tokens.json"

    @property
    def certificate(self) -> Path:
        """That the server made for itself."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """To that."""
        return self.folder / "key.pem"

    @property
    def token(self) -> Path:
        """Of a client."""
        return self.folder / "token"

    def keep_token(self, token: str) -> None:
        """Write down the token of a client."""
        atomic.write_bytes(self.token, token.encode(), ONLY_OWNER)

    def read_token(self) -> str:
        """What `keep_token` wrote.

        Raises:
            StoreInvalid: it is gone.
        """
        try:
            return self.token.read_text().strip()
        except (OSError, UnicodeError) as error:
            raise StoreInvalid(f"the token of the run is gone ({error})", "join again: zoo federate join") from error


def secrets_of(run_folder: Path) -> Secrets:
    """Those of a run."""
    return Secrets(run_folder / "site")
