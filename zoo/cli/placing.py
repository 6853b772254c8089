"""Flags that several commands share."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics
from zoo.runs.request import RunRequest


def add_placement(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16 or fp16 (default: auto)")


def add_columns(parser: argparse.ArgumentParser, *, label: bool) -> None:
    """`--text` and `--label`."""
    parser.add_argument(
        "--text", default="", metavar="COLUMN", help="column of the inputs (default: by its usual names)"
    )
    if label:
        parser.add_argument(
            "--label", default="", metavar="COLUMN", help="column of the labels (default: by its usual names)"
        )


def tell_placement(request: RunRequest) -> None:
    """Say where a run will compute, and why there."""
    diagnostics.note(f"device: {request.device}, {request.precision} ({request.device_reason})")
