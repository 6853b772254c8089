"""Two network namespaces with addresses of their own and a wire between them, for tests of several machines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest


class Wire(NamedTuple):
    """What joins two namespaces."""

    names: tuple[str, str]
    """Of the namespaces."""
    address: str
    """Of the first."""

    def cut(self) -> None:
        """Let nothing come through any more; no connection is closed by that."""
        ip("-n", self.names[1], "link", "set", "wire", "down")

    def mend(self) -> None:
        """Let all come through again."""
        ip("-n", self.names[1], "link", "set", "wire", "up")


@contextmanager
def two_namespaces() -> Iterator[Wire]:
    """Two that are there within the block; the test is skipped where they are not permitted."""
    if sys.platform != "linux" or shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux, the command ip, and root")
    names = (f"zoo-a-{os.getpid()}", f"zoo-b-{os.getpid()}")
    try:
        try:
            for name in names:
                ip("netns", "add", name)
            first, second = names
            ip("-n", first, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", second)
            for number, name in enumerate(names, start=1):
                ip("-n", name, "address", "add", f"10.213.0.{number}/24", "dev", "wire")
                ip("-n", name, "link", "set", "wire", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not permitted here: {error.stderr.strip()}")
        yield Wire(names, "10.213.0.1")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def ip(*words: str) -> None:
    """Run the command of that name."""
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
