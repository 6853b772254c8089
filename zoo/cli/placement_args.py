"""Where and when a job computes: `--device`, `--precision` and `--now`."""

from __future__ import annotations

import argparse


def add_device(parser: argparse.ArgumentParser) -> None:
    """`--device`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")


def add_placement(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`."""
    add_device(parser)
    parser.add_argument(
        "--precision",
        default="auto",
        help="auto, fp32, bf16, fp16 or, for predictions of some models, int8 (default: auto)",
    )


def add_now(
    parser: argparse.ArgumentParser, help: str = "start beside the runs on the same GPU, not after"
) -> argparse.Action:
    """`--now`."""
    return parser.add_argument("--now", action="store_true", help=help)
