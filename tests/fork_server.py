"""A process that has imported what nearly every worker imports, and is forked whenever a test starts one.

`python fork_server.py DESCRIPTOR` answers requests at a socket: JSON, and the file that the worker writes its log to.
The answer is the id of the process. It ends when nobody is at the other end any more.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any, NoReturn

PRELOADED = (
    "accelerate.accelerator",
    "numpy",
    "PIL.Image",
    "safetensors.torch",
    "tokenizers",
    "torch",
    "torch.distributed.elastic.agent.server.local_elastic_agent",
    "torch.distributed.launcher.api",
    "transformers",
    "zoo.runs.training_job",
    "zoo.testing",
    "zoo.training.engine",
)
"""None of them starts a thread or computes anything when it is imported, so that a fork is as good as a new process."""
LONGEST = 1 << 20
"""Bytes of a request."""


def main(descriptor: int) -> None:
    """Serve until the other end is closed; in a fork, do the work and end as it does."""
    before = dict(os.environ)
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    set_by_imports = {name: value for name, value in os.environ.items() if name not in before}
    gc.collect()
    gc.freeze()  # a fork shares what it does not look at
    signal.signal(signal.SIGCHLD, lambda number, frame: reap())
    with socket.socket(fileno=descriptor) as connection:
        while True:
            message, files, _, _ = socket.recv_fds(connection, LONGEST, 1)
            if not message:
                return
            pid = os.fork()
            if not pid:
                break
            os.close(files[0])
            connection.sendall(str(pid).encode())
    request = json.loads(message)
    request["environment"] = set_by_imports | request["environment"]
    work(request, files[0])


def reap() -> None:
    """Leave no dead process in the table."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def work(request: dict[str, Any], log: int) -> NoReturn:
    """Become what `python -m MODULE ARGUMENTS` would be.

    Args:
        request: module, arguments, environment and folder of the process, and those that have a `sitecustomize.py`.
        log: descriptor that it writes to.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = request["site"]
    if request["site"]:
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    sys.argv = ["-m", *request["arguments"]]
    sys.modules.pop(request["module"], None)
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
