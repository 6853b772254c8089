"""Pretrain a model on unlabelled data."""

from __future__ import annotations

import argparse

from zoo.cli import training_command
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    training_command.complete_parser(parser, words, "pretrain")


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    return training_command.run(args, "pretrain")
