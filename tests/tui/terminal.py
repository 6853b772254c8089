"""A pseudo terminal with a program in it."""

from __future__ import annotations

import os
import pty
import select
import sys
import time

from tests.processes import popen


class Terminal:
    """zoo in a pseudo terminal of its own."""

    def __init__(self, program: str = "from zoo.cli import main; main([])", **environment: str) -> None:
        self.master, slave = pty.openpty()
        self.process = popen(
            [sys.executable, "-c", program],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | environment,
            start_new_session=True,
        )
        os.close(slave)
        self.output = b""

    def read_until(self, text: bytes, seconds: float = 30) -> bytes:
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.output += os.read(self.master, 65_536)
                except OSError:
                    break
        return self.output

    def write(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self) -> int:
        while True:
            try:
                rest = os.read(self.master, 65_536)
            except OSError:
                break
            if not rest:
                break
            self.output += rest
        code = self.process.wait(30)
        os.close(self.master)
        return code
