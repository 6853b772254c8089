"""A warm model that stays for a while after the one who asked for it has ended, and answers whoever comes next.

It listens on a Unix socket in a folder that only its user can enter. The name of the socket is a digest of everything
that the answers depend on (the model and its weights, the plugin and its version, device, precision, options and the
files that these name), so another version of anything is another socket; nobody has to notice what has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from zoo.ability_options import option_set
from zoo.card import Card
from zoo.encoding import encode_json
from zoo.errors import RunFailed, Unsupported
from zoo.locking import locked
from zoo.options import schema
from zoo.runs.calibration import calibration_path
from zoo.runs.launcher import environment
from zoo.sessions.conversation import Conversation
from zoo.sessions.messages import EndRequest, LoadRequest
from zoo.settings import value
from zoo.tasks import version_of

BACKLOG = 16


class WarmModel(Conversation):
    """A connection to a process that holds a model."""

    def __init__(self, model: str, connection: socket.socket) -> None:
        self._connection = connection
        super().__init__(model, connection.makefile("rb"), connection.makefile("wb"))

    def close(self) -> None:
        """Leave it to whoever comes next."""
        for stream in (self._requests, self._replies, self._connection):
            with contextlib.suppress(OSError):
                stream.close()

    def end(self) -> None:
        """Let it end; it is not needed any more."""
        with contextlib.suppress(RunFailed):
            self.send_request(EndRequest())
        self.close()


def address_of(card: Card, request: LoadRequest, plugin_version: str) -> Path:
    """Where the process that holds exactly this listens, if there is one.

    Args:
        card: of the model.
        request: how it is to be loaded.
        plugin_version: of the plugin that owns it.

    Raises:
        Unsupported: there is no place for sockets here, or it belongs to somebody else.
    """
    from zoo import __version__

    versions = (__version__, plugin_version, version_of(request.task))
    home = value("home")
    depends_on = (*versions, sys.executable, home, card.weights, request, _states_of_files(card, request))
    return _folder() / (hashlib.sha256(encode_json(depends_on)).hexdigest()[:32] + ".sock")


def _states_of_files(card: Card, request: LoadRequest) -> list[tuple[int, int]]:
    """Size and time of the last change of every file that an option names, and of the calibration of the model; one
    that cannot be read is left out.
    """
    described = schema(option_set(card.ability("predict", request.task)))
    paths = [Path(request.options[one.name]) for one in described if one.file and request.options.get(one.name)]
    paths += [path for path in (calibration_path(card),) if path is not None]
    states: list[tuple[int, int]] = []
    for path in paths:
        with contextlib.suppress(OSError):
            state = path.stat()
            states.append((state.st_size, state.st_mtime_ns))
    return states


def connect(address: Path, model: str) -> WarmModel | None:
    """Find the process that listens there; None where there is none."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:  # nobody listens, or nobody any more
        connection.close()
        return None
    if not _same_user(connection):
        connection.close()
        return None
    return WarmModel(model, connection)


def start(address: Path, request: LoadRequest, idle_s: float) -> WarmModel:
    """Connect to the process that listens there; start it if there is none.

    Args:
        address: as `address_of` gives it.
        request: what it is to load.
        idle_s: how long it waits for somebody to come.

    Raises:
        RunFailed: it cannot be started.
    """
    with locked(address.with_suffix(".lock"), lambda: False):
        model = connect(address, request.model)
        if model is None:
            _start(address, request, idle_s)
            model = connect(address, request.model)
    if model is None:
        raise RunFailed(f"a process for {request.model} cannot be reached", "go without: --keep-warm 0")
    return model


def _start(address: Path, request: LoadRequest, idle_s: float) -> None:
    """Listen, and hand the socket to a process of its own: who connects waits in line until the model is loaded."""
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(address))
            address.chmod(0o600)
            listener.listen(BACKLOG)
            words = (msgspec.json.encode(request).decode(), str(listener.fileno()), str(address), str(idle_s))
            subprocess.Popen(
                [sys.executable, "-m", "zoo.sessions.warm_worker", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            address.unlink(missing_ok=True)
            raise RunFailed(f"a process for {request.model} cannot be started: {error}") from error


def _folder() -> Path:
    """A folder for sockets that only this user can enter; their paths must be short."""
    if not hasattr(socket, "AF_UNIX"):
        raise Unsupported("models cannot be kept warm here: Python has no Unix sockets on this system", "go without")
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"zoo-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise Unsupported(f"{folder} cannot be made: {error.strerror}", "set XDG_RUNTIME_DIR, or go without") from error
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Unsupported(f"{folder} is open to others, so no model is kept warm there", "remove it, or go without")
    return folder


def _same_user(connection: socket.socket) -> bool:
    """Whether the process at the other end is of this user, where the system says."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(uid == os.getuid())
