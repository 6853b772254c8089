"""Imports are not interrupted by collections of garbage; everything else is."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from zoo.garbage import collection_paused

COUNTED = """
import atexit, gc, json, sys
atexit.register(lambda: print(json.dumps([gc.isenabled(), gc.get_freeze_count()]), file=sys.stderr))
sys.argv = ["zoo", "devices", "--help"]
from zoo.cli import main
main()
"""


def test_collections_go_on_after_a_pause_whatever_ends_it() -> None:
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()

    with pytest.raises(ImportError), collection_paused():
        raise ImportError
    assert gc.isenabled()


def test_a_command_leaves_its_modules_out_of_collections() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True)
    enabled, left_out = json.loads(done.stderr)

    assert enabled
    assert left_out > 10_000


def test_only_the_first_pause_keeps_what_there_is() -> None:
    with collection_paused():
        pass
    before = gc.get_freeze_count()
    kept = [[number] for number in range(1000)]
    with collection_paused():
        pass

    assert gc.get_freeze_count() <= before
    assert kept
