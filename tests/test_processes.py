"""Tests that send signals mean what they say wherever they are started from."""

from __future__ import annotations

import re
import signal
import sys

import pytest

from tests.processes import SIGNALS, popen
from tests.wheel_factory import ROOT

SENDS = re.compile(r"send_signal\(|os\.kill\(|SIGINT|SIGTERM")
STARTS = re.compile(r"import (popen|Terminal)$", re.MULTILINE)
HANDLES = (
    "tests/places/test_hosts.py",
    "tests/runs/test_worker.py",
    "tests/tui/test_chat.py",
    "tests/tui/test_predict.py",
)
"""A worker has handlers of its own, and SIGKILL needs none."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_dies_of_a_signal_that_is_ignored_here(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        process = popen([sys.executable, "-c", "print('up', flush=True); input()"], stdin=-1, stdout=-1)
        assert b"up" == process.stdout.readline().strip()
        process.send_signal(number)
        process.communicate(timeout=30)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert process.returncode != 0


def test_whoever_sends_signals_starts_processes_that_obey_them() -> None:
    senders = {
        path.relative_to(ROOT).as_posix(): text
        for path in (*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/**/*.py"))
        if path.name not in {"processes.py", "test_processes.py"} and SENDS.search(text := path.read_text("utf-8"))
    }

    assert [] == [path for path, text in senders.items() if path not in HANDLES and not STARTS.search(text)]
