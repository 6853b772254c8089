"""`zoo quickstart`: the whole journey on real input, in a few minutes and without a model hub.

Takes real pretrained weights, inspects a data set, fine-tunes, evaluates, shows what pretraining bought, predicts.
"""

from __future__ import annotations

import argparse
import time
from importlib.resources import as_file, files

from zoo.cli.exit_codes import ExitCode

MODEL = "all-minilm-l6-v2"
SCRATCH = "bert-l6-h384"
"""The same architecture without the pretraining."""
SENTENCES = (
    "it has been nine days and the tracking page still says label created",
    "why am I seeing two charges for the same month?",
    "The left earbud crackles whenever I turn the volume up",
    "please close my plan before it renews on friday, I have stopped using it",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")


def run(args: argparse.Namespace) -> ExitCode:
    """Walk the journey, saying each step before it is done."""
    started = time.monotonic()
    with as_file(files("zoo") / "quickstart") as folder:
        train, test = folder / "customer_messages_train.csv", folder / "customer_messages_test.csv"
        _weights()
        _inspect(train, test)
        pretrained = _finetune(MODEL, train, test, args.device)
        scratch = _finetune(SCRATCH, train, test, args.device)
    _compare(pretrained, scratch)
    _predict(pretrained, args.device)
    _what_next(pretrained.name, time.monotonic() - started)
    return ExitCode.OK
