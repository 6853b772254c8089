"""What a client asks of a server, however often it takes: networks break, and servers come back."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from zoo.errors import DownloadFailed, RunCancelled, Unsupported
from zoo.sanitize import one_line
from zoo.sites.addresses import Address
from zoo.sites.certificates import fingerprint_of
from zoo.sites.messages import (
    DIGEST_HEADER,
    HOLD_S,
    MAX_WORDS_BYTES,
    Figures,
    Lost,
    Membership,
    Refused,
    RoundState,
    Terms,
)

if TYPE_CHECKING:
    import ssl

    import httpx

TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 15.0
PATIENCE_S = 3600.0
"""How long a server may be away."""
LAST_BEAT_S = 1.0
ANSWER_S = 5.0
FAREWELL_S = 2.0
"""Most that the last word to a server takes."""
LOOK_S = 0.05
"""How often it is asked while a request is under way whether to stop."""
_T = TypeVar("_T")


class SiteClient:
    """One who has a token.

    Args:
        address: of the server.
        token: by which it knows the client.
        fingerprint: of its certificate; empty where an authority of this machine vouches for it.
        patience_s: how long the server may be away.
        should_stop: whether to give up.
        warn: tells the person.
    """

    def __init__(
        self,
        address: Address,
        token: str,
        fingerprint: str = "",
        *,
        patience_s: float = PATIENCE_S,
        should_stop: Callable[[], bool] = lambda: False,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.address, self._fingerprint, self._patience_s = address, fingerprint, patience_s
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": "zoo-models", "Accept-Encoding": "identity"}
        self._should_stop, self._warn = should_stop, warn
        self._client: httpx.Client | None = None

    def terms(self) -> Terms:
        """What is learnt together."""
        return self._decoded(self._ask("GET", "/terms"), Terms)

    def join(self, membership: Membership) -> None:
        """Take part from now on."""
        self._tell("POST", "/members", membership)

    def leave(self) -> None:
        """Go, as far as the server can be told in a moment."""

        def tell() -> None:
            with contextlib.suppress(Exception), self._connection() as client:
                client.request("DELETE", "/members", timeout=ANSWER_S)

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        thread.join(FAREWELL_S)  # a server that hangs is not waited for

    def state(self, seen: str = "") -> RoundState:
        """What is to be done; where that is what was seen before, it is waited a while for something else."""
        return self._decoded(self._ask("GET", f"/state?seen={seen}"), RoundState)

    def weights(self, state: RoundState, most: int) -> bytes:
        """Those of a round.

        Args:
            state: says which.
            most: bytes that they may have.

        Raises:
            Unsupported: they are more, or others than the server says.
        """
        if state.size_bytes > most:
            raise Unsupported(f"the server has weights of {state.size_bytes:,} bytes, and {most:,} are expected", "")
        content = self._ask("GET", f"/rounds/{state.number}/weights", most=state.size_bytes)
        if hashlib.sha256(content).hexdigest() != state.sha256:
            raise Refused(409, "the weights are not those of the digest")
        return content

    def send(self, number: int, weights: bytes) -> None:
        """Bring what came of a round."""
        self._ask("PUT", f"/rounds/{number}/update", weights)

    def judge(self, number: int, figures: Figures) -> None:
        """Tell how good the weights of a round are."""
        self._tell("PUT", f"/rounds/{number}/figures", figures)

    def lose(self, number: int, reason: str) -> None:
        """Tell that nothing comes of a round."""
        self._tell("PUT", f"/rounds/{number}/lost", Lost(reason=reason))

    @contextlib.contextmanager
    def heard(self, every_s: float) -> Iterator[None]:
        """Let the server hear of the client while it computes."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(every_s):
                with contextlib.suppress(Exception), self._new_client() as client:  # it is told again
                    client.get("/state", timeout=CONNECT_TIMEOUT_S)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(LAST_BEAT_S)  # it may wait for an answer that nobody needs any more

    def pause(self, refusals: int) -> None:
        """Wait before the server is asked again.

        Args:
            refusals: how many there were; the more, the longer.

        Raises:
            RunCancelled: a stop was asked for.
        """
        self._sleep(min(FIRST_WAIT_S * 2 ** min(refusals, 10), LONGEST_WAIT_S))

    def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None  # an attempt that was left to itself may do the same
        if client is not None:
            client.close()

    def _tell(self, method: str, path: str, message: Any) -> None:
        self._ask(method, path, msgspec.json.encode(message))

    def _decoded(self, content: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Unsupported(
                f"what {self.address.url} answers is not understood", "is it a zoo federate serve of the same version?"
            ) from error

    def _ask(self, method: str, path: str, content: bytes = b"", most: int = MAX_WORDS_BYTES) -> bytes:
        """Ask until there is an answer.

        Raises:
            Refused: the answer is no.
            Unsupported: the server does not know the token, or has another certificate.
            DownloadFailed: there is none for too long.
            RunCancelled: a stop was asked for.
        """
        began, wait_s, told = time.monotonic(), FIRST_WAIT_S, False
        while True:
            fault = self._unless_stopped(lambda: self._attempt(method, path, content, most))
            if isinstance(fault, bytes):
                if told:
                    self._warn(f"{self.address.url} answers again")
                return fault
            if time.monotonic() - began > self._patience_s:
                raise DownloadFailed(f"{self.address.url} does not answer: {fault}", "is the server running?")
            if not told and wait_s > 1.0:
                told = True
                self._warn(f"{self.address.url} does not answer ({fault}); waiting for it")
            self._sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _unless_stopped(self, attempt: Callable[[], bytes | str]) -> bytes | str:
        """The outcome of an attempt, which is left to itself once a stop is asked for: a server may hang for a minute.

        Raises:
            RunCancelled: a stop was asked for.
        """
        outcome: Future[bytes | str] = Future()

        def do() -> None:
            try:
                outcome.set_result(attempt())
            except BaseException as error:
                outcome.set_exception(error)

        threading.Thread(target=do, daemon=True).start()
        while not wait([outcome], LOOK_S).done:
            if self._should_stop():
                raise RunCancelled("stopped while the server answered", "")
        return outcome.result()

    def _attempt(self, method: str, path: str, content: bytes, most: int) -> bytes | str:
        """The answer, or why there was none this time."""
        import httpx

        headers = {DIGEST_HEADER: hashlib.sha256(content).hexdigest()} if content else {}
        try:
            with (
                self._connection() as client,
                client.stream(method, path, content=content or None, headers=headers) as answer,
            ):
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > most:
                        raise Unsupported(f"{self.address.url} answers with more than {most:,} bytes", "")
        except (httpx.TransportError, httpx.DecodingError) as error:
            self.close()
            if _is_of_certificate(error):
                raise self._other_certificate(one_line(str(error))) from error
            return one_line(str(error)) or type(error).__name__
        except OSError as error:  # an SSLError is one
            self.close()
            return one_line(str(error)) or type(error).__name__
        word = one_line(body[:500].decode(errors="replace"))
        if answer.status_code == 401:
            self.close()
            raise Unsupported(f"{self.address.url} does not know the token", "ask whoever serves for yours")
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            return f"HTTP {answer.status_code}"
        if answer.status_code >= 300:
            raise Refused(answer.status_code, word or f"HTTP {answer.status_code}")
        return bytes(body)

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._should_stop():
                raise RunCancelled("stopped while the server was away", "")
            time.sleep(min(0.1, left))

    @contextlib.contextmanager
    def _connection(self) -> Iterator[httpx.Client]:
        if self._client is None:
            self._client = self._new_client()
        yield self._client

    def _new_client(self) -> httpx.Client:
        import httpx

        pinned = self._pinned() if self._fingerprint else None
        try:
            return httpx.Client(
                base_url=self.address.url,
                headers=self._headers,
                timeout=httpx.Timeout(TIMEOUT_S + HOLD_S, connect=CONNECT_TIMEOUT_S),
                follow_redirects=False,
                verify=True if pinned is None else pinned,
                trust_env=pinned is None,  # a proxy would show a certificate of its own
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
            raise DownloadFailed(
                f"no connection can be made with the settings of this environment: {error}",
                "look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
            ) from error

    def _pinned(self) -> ssl.SSLContext:
        """What takes the one certificate that has the fingerprint; it is looked at before anything is sent.

        Raises:
            Unsupported: the server has another one.
            OSError: it does not answer.
        """
        import ssl

        pem = ssl.get_server_certificate(self.address, timeout=CONNECT_TIMEOUT_S)
        if (found := fingerprint_of(pem)) != self._fingerprint:
            raise self._other_certificate(f"its fingerprint is {found}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=pem)
        return context

    def _other_certificate(self, what: str) -> Unsupported:
        hint = "--fingerprint is what zoo federate serve has told; nothing was sent"
        return Unsupported(f"{self.address.url} has a certificate that is not taken: {what}", hint)


def _is_of_certificate(error: BaseException | None) -> bool:
    import ssl

    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
