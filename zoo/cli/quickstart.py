"""The whole journey on real data, in a few minutes: inspect, fine-tune, evaluate, compare, predict."""

from __future__ import annotations

import argparse
import shlex
import time
from importlib.resources import as_file, files

from zoo.api import Run, open_run
from zoo.catalog import Catalog
from zoo.cli import diagnostics, main, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import RunCancelled, RunFailed
from zoo.progress import duration
from zoo.runs.store import all_runs

MODEL = "all-minilm-l6-v2"
SCRATCH = "bert-l6-h384"
"""The same architecture, from random numbers."""
SENTENCES = (
    "nine days now and the tracking page still says label created",
    "why am I seeing two charges for the same month?",
    "The left earbud crackles whenever I turn the volume up",
    "please close my plan before it renews on friday, I have stopped using it",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")


def run(args: argparse.Namespace) -> ExitCode:
    """Run the commands a person would type, one after the other, each shown before it runs."""
    started = time.monotonic()
    name = _free_name()
    device = () if args.device == "auto" else ("--device", args.device)
    with as_file(files("zoo") / "quickstart") as folder:
        train, test = str(folder / "customer_messages_train.csv"), str(folder / "customer_messages_test.csv")
        _headline("Real pretrained weights, checked against their published sha256")
        _zoo("pull", MODEL)
        _digest()
        _headline("The data: customer messages in six intents")
        _zoo("data", "inspect", train, "--eval", test, "--model", MODEL)
        _headline("Fine-tune the pretrained model")
        _zoo("finetune", MODEL, "--data", train, "--name", name, *device)
        _headline("Judge it on messages it has never seen")
        _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *device)
        _headline("What did the pretraining buy? The same architecture, from random numbers, on the same rows")
        _zoo("finetune", SCRATCH, "--data", train, "--name", f"{name}-scratch", "-q", *device)
        _zoo("evaluate", f"{name}-scratch", "--data", test, "--name", f"{name}-scratch-test", "-q", *device)
    _compare(open_run(f"{name}-test"), open_run(f"{name}-scratch-test"))
    _headline("Let it answer")
    _zoo("predict", name, *SENTENCES, *device)
    _what_next(open_run(name), time.monotonic() - started)
    return ExitCode.OK


def _zoo(*words: str) -> None:
    """Show a command and run it.

    Raises:
        RunFailed: the command did not succeed; it has said why.
        RunCancelled: it was interrupted.
    """
    diagnostics.note(f"\n$ zoo {shlex.join(words)}")
    code = main(words)
    if code == ExitCode.INTERRUPTED:
        raise RunCancelled("the quickstart was stopped", "zoo quickstart begins it anew; zoo runs lists what it left")
    if code != ExitCode.OK:
        raise RunFailed(f"the quickstart ends here: zoo {words[0]} did not succeed", "its message above says why")


def _headline(text: str) -> None:
    output.line(f"\n== {text}")


def _digest() -> None:
    weights = Catalog.load().resolve(MODEL).weights
    assert weights is not None
    output.line(f"{weights.files[0].name}: sha256 {weights.files[0].sha256}, as published")


def _compare(pretrained: Run, scratch: Run) -> None:
    _headline("The difference, in accuracy on the held-out messages")
    rows = [
        (f"{MODEL} (pretrained)", f"{pretrained.metrics['accuracy']:.3f}"),
        (f"{SCRATCH} (the same, from scratch)", f"{scratch.metrics['accuracy']:.3f}"),
        ("guessing", f"{1 / len(pretrained.snapshot.labels):.3f}"),
    ]
    output.table(rows, ("MODEL", "ACCURACY"))


def _what_next(result: Run, took_s: float) -> None:
    output.line(f"\nDone in {duration(took_s)}. The model is called {result.name} and stands in")
    output.line(f"  {result.folder.model_folder}")
    output.line("Try next:")
    output.line(f'  zoo predict {result.name} "a message of your own"')
    output.line("  zoo data inspect YOUR.csv")
    output.line(f"  zoo finetune {MODEL} --data YOUR.csv")


def _free_name() -> str:
    """`quickstart`, or with a number where there is one from before."""
    taken = {folder.name for folder in all_runs()}
    number = 1
    while (name := "quickstart" if number == 1 else f"quickstart-{number}") in taken:
        number += 1
    return name
