"""Where a job computes: `--device`, `--precision` and `--processes`."""

from __future__ import annotations

import argparse


def add_placement(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")
    parser.add_argument(
        "--precision",
        default="auto",
        help="auto, fp32, bf16, fp16 or, for predictions of some models, int8 (default: auto)",
    )
