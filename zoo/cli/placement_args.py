"""Where and when a job computes: `--device`, `--precision`, `--on`, `--requeue`, `--now` and `--detach`."""

from __future__ import annotations

import argparse
from typing import Any

from zoo import settings
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid
from zoo.jobs import Place


def add_device(parser: argparse.ArgumentParser) -> None:
    """`--device`, by default as the settings say."""
    usual = settings.value("device")
    parser.add_argument("--device", default=usual, help=f"auto, cpu, cuda, cuda:N, mps or xpu (default: {usual})")


def usual_place() -> dict[str, str]:
    """Device and precision, as the settings say."""
    return {name: settings.value(name) for name in ("device", "precision")}


def add_placement(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`, by default as the settings say."""
    add_device(parser)
    usual = settings.value("precision")
    parser.add_argument(
        "--precision",
        default=usual,
        help=f"auto, fp32, bf16, fp16 or, for predictions of some models, int8 (default: {usual})",
    )


def add_now(
    parser: argparse.ArgumentParser, help: str = "start beside the runs on the same GPU, not after them"
) -> argparse.Action:
    """`--now`."""
    return parser.add_argument("--now", action="store_true", help=help)


class _NamedPlace(argparse.Action):
    """Takes the name of a place, and none that is empty, as a variable of the shell may be."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Keep it.

        Raises:
            OptionInvalid: it is empty.
        """
        if not values.strip():
            raise OptionInvalid(f"{option} names no place", "zoo places lists them; without --on it runs here")
        setattr(namespace, self.dest, values)


def add_place(parser: Parser) -> None:
    """`--on` and `--requeue`."""
    parser.add_argument(
        "--on",
        default="",
        metavar="PLACE",
        action=_NamedPlace,
        help="where it runs; zoo places lists them (default: here)",
    )
    requeue = parser.add_argument(
        "--requeue",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="with --on: go on by itself when the place has ended it",
    )
    parser.advanced.append(requeue)


def place_of(args: argparse.Namespace, **settled: Any) -> Place:
    """Where a job computes, as the flags say.

    Args:
        args: of a command that has some of these flags.
        **settled: what no flag says.
    """
    said = {name: getattr(args, name) for name in Place.__struct_fields__ if hasattr(args, name)}
    return Place(**{**said, **settled})


def add_detach(parser: argparse.ArgumentParser, help: str = "return at once; the run goes on") -> None:
    """`--detach`."""
    parser.add_argument("--detach", action="store_true", help=help)
