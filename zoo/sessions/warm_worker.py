"""The process that keeps a model warm: `python -m zoo.sessions.warm_worker REQUEST FD ADDRESS IDLE_S`.

It ends when nobody has come for a while, when somebody says so, or when its socket is not there any more.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from pathlib import Path

import msgspec

from zoo.allocator import keep_freed_memory
from zoo.api import Model
from zoo.sessions.messages import ErrorReply, LoadRequest
from zoo.sessions.worker import converse, error_reply, load_requested, send

LOOK_S = 1.0
"""How often it looks whether its socket is still there."""


def main(request: str, fd: str, address: str, idle_s: str) -> int:
    """Load, then answer one connection after the other."""
    keep_freed_memory()
    listener = socket.socket(fileno=int(fd))
    path = Path(address)
    try:
        loaded = _load(msgspec.json.decode(request, type=LoadRequest))
        _serve(listener, path, loaded, float(idle_s))
    finally:
        path.unlink(missing_ok=True)  # whoever comes from now on starts another
    return 0


def _load(request: LoadRequest) -> Model | ErrorReply:
    """The model, or the reply to those who wait for it."""
    try:
        return load_requested(request)
    except Exception as error:
        return error_reply(error)


def _serve(listener: socket.socket, path: Path, loaded: Model | ErrorReply, idle_s: float) -> None:
    socket_file = path.stat().st_ino
    listener.settimeout(LOOK_S)
    until = time.monotonic() + idle_s
    while time.monotonic() < until and _inode(path) == socket_file:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        connection.settimeout(idle_s)  # one who connects and says nothing does not keep it for ever
        with contextlib.suppress(OSError), connection:
            requests, replies = connection.makefile("rb"), connection.makefile("wb")
            if isinstance(loaded, ErrorReply):
                send(replies, loaded)
                return
            if not converse(loaded, requests, replies):
                return
        until = time.monotonic() + idle_s


def _inode(path: Path) -> int:
    """0 where there is no such file any more."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
