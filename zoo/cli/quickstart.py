"""The whole journey on real data, in a few minutes: inspect, train, evaluate, compare, predict. Texts, then images."""

from __future__ import annotations

import argparse
import shlex
import time
from importlib.resources import as_file, files
from pathlib import Path

from zoo.api import open_run
from zoo.catalog import Catalog
from zoo.cli import diagnostics, main, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import RunCancelled, RunFailed, Unsupported
from zoo.paths import home
from zoo.quickstart.digits import write_digits
from zoo.runs.store import all_runs
from zoo.units import duration

PARTS = ("text", "images")
MODEL = "all-minilm-l6-v2"
SCRATCH = "bert-l6-h384"
"""The same architecture, from random numbers."""
SENTENCES = (
    "nine days now and the tracking page still says label created",
    "why am I seeing two charges for the same month?",
    "The left earbud crackles whenever I turn the volume up",
    "please close my plan before it renews on friday, I have stopped using it",
)
NETWORK = "resnet10-32px"
VIEWS = ("--image-size", "8", "--no-flip", "--epochs")
"""Digits are 8 pixels wide, and mirrored ones are none."""
LOOKING = (*VIEWS, "30", "--crop-scale", "0.4", "--rotate", "15", "--eval-share", "0")
TUNING = (*VIEWS, "25", "--crop-scale", "0.4", "--rotate", "15", "--eval-share", "0")
EXAMPLES = 4
"""Digits to be answered at the end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("part", nargs="?", choices=PARTS, help="only this part (default: both)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")
    parser.add_argument("--epochs", type=float, help="train less, on a slow machine (default: as each model needs)")


def run(args: argparse.Namespace) -> ExitCode:
    """Run the commands a person would type, one after the other, each shown before it runs."""
    start = time.monotonic()
    device = () if args.device == "auto" else ("--device", args.device)
    training = device if args.epochs is None else (*device, "--epochs", f"{args.epochs:g}")
    models = []
    if args.part != "images":
        models.append(_text(device, training))
    if args.part != "text" and _can_show_images(required=args.part == "images"):
        models.append(_images(device, training))
    _what_next(models, time.monotonic() - start)
    return ExitCode.OK


def _text(device: tuple[str, ...], training: tuple[str, ...]) -> str:
    """Customer messages; returns the name of the model.

    Args:
        device: flags of every command that computes.
        training: flags of those that train.
    """
    name = _free_name("quickstart")
    with as_file(files("zoo") / "quickstart") as folder:
        train, test = str(folder / "customer_messages_train.csv"), str(folder / "customer_messages_test.csv")
        _headline("Real pretrained weights, checked against their published sha256")
        _zoo("pull", MODEL)
        _digest()
        _headline("The data: customer messages in six intents")
        _zoo("data", "inspect", train, "--eval", test, "--model", MODEL)
        _headline("Fine-tune the pretrained model")
        _zoo("finetune", MODEL, "--data", train, "--name", name, *training)
        _headline("Judge it on messages it has never seen")
        _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *device)
        _headline("What did the pretraining buy? The same architecture, from random numbers, on the same rows")
        _zoo("finetune", SCRATCH, "--data", train, "--name", f"{name}-scratch", "-q", *training)
        _zoo("evaluate", f"{name}-scratch", "--data", test, "--name", f"{name}-scratch-test", "-q", *device)
    _compare(
        "messages",
        {f"{MODEL} (pretrained)": f"{name}-test", f"{SCRATCH} (the same, from scratch)": f"{name}-scratch-test"},
    )
    _headline("Let it answer")
    _zoo("predict", name, *SENTENCES, *device)
    return name


def _can_show_images(*, required: bool) -> bool:
    """Whether what the image part needs is installed; said, where it is not.

    Raises:
        Unsupported: it is not, but was asked for by name.
    """
    missing = "" if any(card.name == NETWORK for card in Catalog.load().cards) else "the plugin zoo-resnet"
    try:
        write_digits(_digits_folder())
    except Unsupported as error:
        missing = missing or error.message
    if missing and required:
        raise Unsupported(f"the image part cannot be shown: {missing}", "pip install 'zoo-resnet[digits]'")
    if missing:
        diagnostics.note()
        diagnostics.note(f"the image part is left out ({missing}): pip install 'zoo-resnet[digits]'")
    return not missing


def _digits_folder() -> Path:
    return home() / "quickstart" / "digits"


def _images(device: tuple[str, ...], training: tuple[str, ...]) -> str:
    """Handwritten digits, few of them labelled; returns the name of the model. Arguments as for texts."""
    name = _free_name("quickstart-digits")
    folder = _digits_folder()
    unlabelled, labelled, test = (str(folder / part) for part in ("unlabelled", "labelled", "test"))
    _headline("Images: 1,437 handwritten digits, ten labels for each digit")
    _zoo("data", "inspect", labelled, "--eval", test)
    _headline("Learn to see, without any label")
    _zoo("pretrain", NETWORK, "--data", unlabelled, "--name", f"{name}-seen", *LOOKING, *training)
    _headline("Fine-tune what has learnt to see, on ten labels a digit")
    _zoo("finetune", f"{name}-seen", "--data", labelled, "--name", name, *TUNING, *training)
    _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *device)
    _headline("The same network, from random numbers, on the same labels")
    _zoo("finetune", NETWORK, "--data", labelled, "--name", f"{name}-scratch", *TUNING, "-q", *training)
    _zoo("evaluate", f"{name}-scratch", "--data", test, "--name", f"{name}-scratch-test", "-q", *device)
    _compare(
        "digits",
        {
            f"{NETWORK} (pretrained without labels)": f"{name}-test",
            f"{NETWORK} (from scratch)": f"{name}-scratch-test",
        },
    )
    _headline("Let it answer")
    images = sorted(Path(test).glob("*/*.png"))
    _zoo("predict", name, *map(str, images[:: len(images) // EXAMPLES][:EXAMPLES]), *device)
    return name


def _zoo(*words: str) -> None:
    """Show a command and run it.

    Raises:
        RunFailed: the command did not succeed; it has said why.
        RunCancelled: it was interrupted.
    """
    diagnostics.note()
    diagnostics.note(f"$ zoo {shlex.join(words)}")
    code = main(words)
    if code == ExitCode.INTERRUPTED:
        raise RunCancelled("the quickstart was stopped", "zoo quickstart begins it anew; zoo runs lists what it left")
    if code != ExitCode.OK:
        raise RunFailed(f"the quickstart ends here: zoo {words[0]} did not succeed", "its message above says why")


def _headline(text: str) -> None:
    output.line()
    output.line(f"== {text}")


def _digest() -> None:
    weights = Catalog.load().resolve(MODEL).weights
    assert weights is not None
    output.line(f"{weights.files[0].name}: sha256 {weights.files[0].sha256}, as published")


def _compare(what: str, evaluations: dict[str, str]) -> None:
    """Show the primary figure of evaluation runs side by side."""
    runs = {title: open_run(name) for title, name in evaluations.items()}
    metric = next(iter(next(iter(runs.values())).metrics))
    _headline(f"The difference, in {metric} on the held-out {what}")
    rows = [(title, f"{run.metrics[metric]:.3f}") for title, run in runs.items()]
    classes = len(next(iter(runs.values())).snapshot.labels)
    output.table([*rows, ("guessing", f"{1 / classes:.3f}")], ("MODEL", metric.upper()))


def _what_next(models: list[str], took_s: float) -> None:
    output.line()
    output.line(f"Done in {duration(took_s)}. The models stand in")
    for name in models:
        output.line(f"  {open_run(name).folder.model_folder}")
    output.line("Try next:")
    for name in models:
        output.line(f"  zoo predict {name} INPUT")
    output.line("  zoo data inspect YOUR.csv")
    output.line(f"  zoo finetune {MODEL} --data YOUR.csv")
    output.line("  zoo finetune resnet50 --data FOLDER/OF/CLASS/FOLDERS")


def _free_name(base: str) -> str:
    """The name itself, or with a number where there is one from before."""
    names = {folder.name for folder in all_runs()}
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in names:
        number += 1
    return name
