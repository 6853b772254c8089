"""One machine of several that share a training: `python -m zoo.runs.node_worker RUN_FOLDER` on each of them.

Torch's own launcher brings the machines together and starts a worker for each process here. What it does not say, this
does: that too few machines came, and that one of them is gone, which ends all others; resuming goes on from the last
checkpoint. By then the first worker, which writes the log else, has ended without a word: `zoo.runs.last_word` has it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from zoo.devices import computing_threads
from zoo.errors import RunFailed as RunFailedError
from zoo.errors import ZooError
from zoo.places.node import LAUNCHER, Node, attempt_id, endpoint, this_node
from zoo.runs.companions import BEAT_S, Companions
from zoo.runs.last_word import LastWord
from zoo.runs.log import read_events
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

WATCH_S = 1.0
HINDSIGHT_S = 5.0
"""How long another machine than the first leaves the word to it: one that is cut off believes all others gone."""


def main(argv: list[str]) -> int:
    """Take part in a run; 0 when this machine's part of it was done, or was stopped."""
    folder = RunFolder(Path(argv[0]).absolute())
    if fold(read_events(folder)[0]).status == "finished":  # the place has begun it again for a node that died just then
        print(f"run {folder.name} has finished", file=sys.stderr)  # noqa: T201  (the log is the place)
        return 1
    last_word = LastWord(folder, _attempt())
    try:
        return _Part(folder, this_node()).work()
    except ZooError as error:
        last_word.fail(error)
        return 1


def _attempt() -> int:
    return int(os.environ.get("ZOO_ATTEMPT", "1"))


class _Part:
    """What this machine does for a run."""

    def __init__(self, folder: RunFolder, node: Node) -> None:
        request = folder.request
        self._folder, self._node = folder, node
        self._last_word = LastWord(folder, _attempt())
        self._is_ending = False
        self._count, self._processes = request.nodes, request.processes
        self._run = attempt_id(folder.name, _attempt(), request.created_at)
        self._host, self._port = endpoint(node.meeting, self._run)
        if not 0 <= node.index < self._count:
            raise RunFailedError(f"the run has {self._count} nodes, and this one is said to be number {node.index + 1}")

    def work(self) -> int:
        """Start this machine's workers once all machines are there, and wait for their end."""
        from torch.distributed.elastic.multiprocessing.api import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.elastic.rendezvous import RendezvousError
        from torch.distributed.run import main as torchrun

        address = _own_address(self._host, self._port)
        _speak_at(address)
        os.environ[LAUNCHER] = str(os.getpid())
        # else torch's launcher, or accelerate, sets them, by cores that a scheduler may have given to others
        os.environ.setdefault("OMP_NUM_THREADS", str(computing_threads(self._processes)))
        companions = Companions(self._node, self._count, self._host, self._port, self._run)
        threading.Thread(target=self._watch, args=(companions,), daemon=True).start()
        try:
            torchrun(self._arguments(address))
        except RendezvousError as error:
            return self._alone(companions, error)
        except ChildFailedError as error:
            return self._failed(companions, error)
        except SignalException:
            return 1
        companions.leave()
        return 0

    def _arguments(self, address: str) -> list[str]:
        """Of torch's launcher."""
        join = round(self._node.join_s)
        host = f"[{self._host}]" if ":" in self._host else self._host
        return [
            f"--nnodes={self._count}",
            f"--nproc-per-node={self._processes}",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={host}:{self._port}",
            f"--rdzv-id={self._run}",
            f"--rdzv-conf=is_host={int(not self._node.index)},join_timeout={join},read_timeout={join}",
            f"--local-addr={address}",
            "--max-restarts=0",
            "-m",
            "zoo.runs.worker",
            str(self._folder.path),
        ]

    def _watch(self, companions: Companions) -> None:
        """End this machine's part once another one is gone: its workers may wait for it for ever."""
        while not (lost := companions.lost()):
            time.sleep(WATCH_S)
        self._is_ending = True
        self._end_all()
        self._tell_lost(companions, lost)
        _exit(self._code())

    def _tell_lost(self, companions: Companions, lost: list[int]) -> None:
        """Say which machines are gone, unless the first one, or one of these, has said what it was."""
        deadline = time.monotonic() + (HINDSIGHT_S if self._node.index else 0)
        while not (is_told := self._last_word.is_told()) and time.monotonic() < deadline:
            time.sleep(WATCH_S)
        if not is_told:
            silence = f"nothing was heard of it for {self._node.lost_s:.0f} s"
            self._tell(f"{companions.names(lost)} of {self._count} is gone: {silence}")

    def _end_all(self) -> None:
        """Kill the workers here; they may hang where no signal is looked at."""
        import psutil

        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _alone(self, companions: Companions, error: Exception) -> int:
        """Say that too few machines have come."""
        from torch.distributed.elastic.rendezvous import RendezvousTimeoutError

        # one that has waited in vain has opened, or reached, the place where all meet, whatever its companions know
        there = {0, self._node.index} if isinstance(error, RendezvousTimeoutError) else set()
        missing = [index for index in companions.missing() if index not in there]
        waited = f"within {self._node.join_s:.0f} s"
        where, here = f"{self._host}:{self._port}", f"node {self._node.index + 1} ({socket.gethostname()})"
        if len(missing) < self._count:
            came, others = self._count - len(missing), companions.names(missing)
            words = f"{self._count} nodes were asked for, but {came} came {waited}; {others} did not"
        elif self._node.index:
            words = f"{here} could not reach node 1 at {where} {waited}"
        else:
            words = f"{here} could not open {where}, where all nodes are to meet: {error.__cause__ or error}"
        self._tell(words)
        return self._code()

    def _failed(self, companions: Companions, error: ChildFailedError) -> int:
        """Say why workers here have failed, unless one has said it, or another machine knows better."""
        _, failure = error.get_first_failure()
        if failure.exitcode < 0 and not self._is_ending and not self._last_word.is_told():
            name = signal.Signals(-failure.exitcode).name
            words = f"a process of {companions.names([self._node.index])} of {self._count} was killed ({name})"
            self._last_word.interrupt(words, bounded=True)
        deadline = time.monotonic() + self._node.lost_s + HINDSIGHT_S
        while self._is_ending or not self._last_word.is_told():  # the thread that watches ends this process
            time.sleep(BEAT_S / 4)
            if time.monotonic() > deadline and not self._is_ending:
                self._last_word.disconnect()
        return self._code()

    def _code(self) -> int:
        """The exit code of a part that has ended otherwise than all together."""
        return self._last_word.code()

    def _tell(self, message: str) -> None:
        """Let this be the last word of the attempt; who starts all machines itself counts how often it does."""
        self._last_word.interrupt(message, bounded=self._node.is_dealt)


def _own_address(host: str, port: int) -> str:
    """The address by which this machine speaks to another one; nothing is sent."""
    try:
        family, *_, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.connect(target)
            return str(connection.getsockname()[0])
    except OSError as error:
        raise RunFailedError(
            f"node 1 is said to be {host}, which is not known here: {error.strerror or error}",
            "name the nodes so that each can reach the first, or by their addresses",
        ) from error


def _speak_at(address: str) -> None:
    """Let processes speak to those of other machines by the network that reaches these, unless a person chose one.

    Gloo takes the one of the host's own name, which on many machines is the loopback.
    """
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == address for one in addresses):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
            return


def _exit(code: int) -> NoReturn:
    """End at once: a thread that is in a call of torch aborts a process which ends as Python does."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _exit(main(sys.argv[1:]))
