"""A server shaped like the Hub, on the loopback interface: well behaved, or faulty in the ways that networks are."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Served:
    """One file, and how it is served."""

    content: bytes
    etag: str = ""
    """The digest of the content, in quotes, if not given; `none` for no ETag at all."""
    ranges: bool = True
    """False: always answers with the whole file."""
    if_range: bool = True
    """False: answers a range even where the version is another one."""
    cut_after: int | None = None
    """Close the connection after so many bytes of a body ..."""
    cuts: int = sys.maxsize
    """... so many times."""
    stall_after: int | None = None
    """Fall silent after so many bytes of a body; -1 for before the status line."""
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers."""
    stated_length: int | None = None
    """Content-Length; the true one if not given."""
    redirect: str | None = None
    """Address to be sent to."""
    headers: dict[str, str] = field(default_factory=dict)
    chunk_bytes: int = 1 << 16
    chunk_pause_s: float = 0.0


@dataclass
class Request:
    """What was asked, and what was answered."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    status: int = 0
    sent_bytes: int = 0
    """Of the body."""


class HubServer:
    """Files by path, and a record of the requests."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[Request] = []
        self.stalled = threading.Event()
        """Set once the server has fallen silent."""
        self.most_at_once = 0
        self.closed = threading.Event()
        self.lock = threading.Lock()
        self.open_bodies = 0
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.other_address = f"http://localhost:{self._http.server_address[1]}"
        """Another host, as far as a client can tell."""
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Let go of every connection."""
        self.closed.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def serve(self, path: str, content: bytes, **how: Any) -> Served:
        """Serve a file at a path."""
        self.files[path] = Served(content, **how)
        return self.files[path]

    def serve_hub(
        self, repository: str, name: str, content: bytes, *, prefix: str = "", large: bool = True, **how: Any
    ) -> Served:
        """Serve a file as the Hub does; what is returned is the place its bytes come from.

        A small file is served where it is asked for. A large one is redirected to a store on another host that
        calls it something else, while the redirect names its digest.
        """
        path = f"{prefix}/{repository}/resolve/{COMMIT}/{name}"
        own = {"X-Repo-Commit": COMMIT}
        if not large:
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            return self.serve(path, content, **{"etag": etag, "headers": own, **how})
        digest = hashlib.sha256(content).hexdigest()
        own |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        self.serve(path, b"", redirect=f"{self.other_address}/store/{digest}", headers=own)
        return self.serve(f"/store/{digest}", content, **{"etag": '"the-stores-own-name-4"', **how})

    def serve_repository(
        self,
        repository: str,
        files: dict[str, bytes],
        *,
        prefix: str = "",
        revisions: tuple[str, ...] = ("main",),
        **info: Any,
    ) -> None:
        """Serve all files of a repository, and what the API tells of it."""
        siblings: list[dict[str, Any]] = []
        for name, content in files.items():
            large = name.endswith((".safetensors", ".bin"))
            self.serve_hub(repository, name, content, prefix=prefix, large=large)
            siblings.append({"rfilename": name, "size": len(content)})
            if large:
                siblings[-1]["lfs"] = {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 134,
                }
        description = json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings, **info}).encode()
        for revision in (*revisions, COMMIT):
            self.serve(f"{prefix}/api/models/{repository}/revision/{quote(revision, safe='')}", description)

    def requests_for(self, part: str = "") -> list[Request]:
        """Requests whose path contains a text."""
        with self.lock:
            return [request for request in self.requests if part in request.path]

    @property
    def sent_bytes(self) -> int:
        """Of all bodies."""
        return sum(request.sent_bytes for request in self.requests_for())


@contextlib.contextmanager
def hub_server() -> Iterator[HubServer]:
    """A server for as long as the block lasts."""
    server = HubServer()
    try:
        yield server
    finally:
        server.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def setup(self) -> None:
        # What is under way when a client is killed is then little.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        super().setup()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        """Let nobody through, as a proxy does where only some servers may be asked."""
        request = Request(self.command, self.path, {})
        with self.server.hub.lock:
            self.server.hub.requests.append(request)
        self._empty(request, 403, {})

    def do_GET(self) -> None:
        hub = self.server.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers)
        with hub.lock:
            hub.requests.append(request)
        served = hub.files.get(self.path.partition("?")[0])
        if served is None:
            self._empty(request, 404, {})
        elif served.faults:
            self._empty(request, *served.faults.pop(0))
        elif served.redirect is not None:
            self._empty(request, 302, {"Location": served.redirect, **served.headers})
        elif served.stall_after == -1:
            self._stall()
        else:
            self._file(request, served)

    def _empty(self, request: Request, status: int, headers: dict[str, str]) -> None:
        request.status = status
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _file(self, request: Request, served: Served) -> None:
        content = served.content
        etag = served.etag or f'"{hashlib.sha256(content).hexdigest()}"'
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        same = not served.if_range or request.headers.get("if-range", etag) == etag
        request.status, start = (206, int(match[1])) if match and served.ranges and same else (200, 0)
        if request.status == 206 and start >= len(content):
            self._empty(request, 416, {"Content-Range": f"bytes */{len(content)}"})
            return
        body = content[start:]
        self.send_response(request.status)
        if request.status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if etag != "none":
            self.send_header("ETag", etag)
        for name, value in served.headers.items():
            self.send_header(name, value)
        if served.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body) if served.stated_length is None else served.stated_length))
        self.end_headers()
        if request.method == "GET":
            with self._counted():
                self._body(request, served, body)

    def _body(self, request: Request, served: Served, body: bytes) -> None:
        end = len(body)
        stalls = served.stall_after is not None and served.stall_after < end
        cuts = served.cut_after is not None and served.cut_after < end and served.cuts > 0
        if stalls:
            end = served.stall_after or 0
        elif cuts:
            served.cuts -= 1
            end = served.cut_after or 0
        for at in range(0, end, served.chunk_bytes):
            chunk = body[at : min(at + served.chunk_bytes, end)]
            self.wfile.write(chunk)
            with self.server.hub.lock:
                request.sent_bytes += len(chunk)
            if served.chunk_pause_s:
                time.sleep(served.chunk_pause_s)
        if stalls:
            self._stall()
        if stalls or cuts or served.stated_length is not None:
            self.close_connection = True

    def _stall(self) -> None:
        self.server.hub.stalled.set()
        self.server.hub.closed.wait()
        self.close_connection = True

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        hub = self.server.hub
        with hub.lock:
            hub.open_bodies += 1
            hub.most_at_once = max(hub.most_at_once, hub.open_bodies)
        try:
            yield
        finally:
            with hub.lock:
                hub.open_bodies -= 1

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the requests are recorded."""
