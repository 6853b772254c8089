"""The parts of the quickstart: the commands of each, on real data."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

from zoo.api import open_run
from zoo.catalog import Catalog
from zoo.cli import diagnostics, main, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.fetching import show_fetching
from zoo.errors import DownloadFailed, RunCancelled, RunFailed, Unsupported
from zoo.paths import home
from zoo.quickstart.digits import write_digits
from zoo.quickstart.photographs import fetch_photographs, write_pieces
from zoo.quickstart.shapes import write_shapes
from zoo.runs.store import all_runs

TEXT_MODEL = "all-minilm-l6-v2"
TEXT_SCRATCH = "bert-l6-h384"
"""The same architecture, from random numbers."""
SENTENCES = (
    "nine days now and the tracking page still says label created",
    "why am I seeing two charges for the same month?",
    "The left earbud crackles whenever I turn the volume up",
    "please close my plan before it renews on friday, I have stopped using it",
)
IMAGE_MODEL = "mobilenet_v2-v1"
IMAGE_SCRATCH = "mobilenet_v2-scratch"
SHOWN = ("coffee", "cat")
"""Photographs of what the model was pretrained to name."""
PIECES = ("--image-size", "96", "--epochs", "12", "--eval-share", "0")
SHAPES = ("--image-size", "128", "--epochs", "3", "--eval-share", "0")
SPEECH_MODEL = "deepspeech-tiny"
SPEAKING = ("--lr", "0.002", "--epochs", "40", "--no-spec-augment", "--eval-share", "0")
DIGITS_MODEL = "resnet10-32px"
_DIGITS = ("--image-size", "8", "--no-flip", "--crop-scale", "0.4", "--rotate", "15", "--eval-share", "0")
"""Digits are 8 pixels wide, and mirrored ones are none."""
LOOKING = (*_DIGITS, "--epochs", "30")
TUNING = (*_DIGITS, "--epochs", "25")
EXAMPLES = 4
"""Images to be answered at the end."""


class Flags(NamedTuple):
    """What was said of where and how long to compute, as words of commands."""

    device: tuple[str, ...]
    """For every command that computes."""
    training: tuple[str, ...]
    """For those that train, where they stand last."""


class Part(NamedTuple):
    """A journey with one sort of data."""

    prepare: Callable[[], None]
    """Bring what it needs; raises Unsupported where that is not to be had."""
    show: Callable[[Flags], str]
    """Run its commands; returns the name of the model."""
    by_default: bool = True
    """Whether it is shown where no part was named."""


def _nothing() -> None:
    """Texts come with the project."""


def _text(flags: Flags) -> str:
    """Customer messages."""
    name = _free_name("quickstart")
    with as_file(files("zoo") / "quickstart") as folder:
        train, test = str(folder / "customer_messages_train.csv"), str(folder / "customer_messages_test.csv")
        _headline("Real pretrained weights, checked against their published sha256")
        _pull(TEXT_MODEL)
        _headline("The data: customer messages in six intents")
        _zoo("data", "inspect", train, "--eval", test, "--model", TEXT_MODEL)
        _headline("Fine-tune the pretrained model")
        _zoo("finetune", TEXT_MODEL, "--data", train, "--name", name, *flags.training)
        _headline("Judge it on messages it has never seen")
        _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *flags.device)
        _headline("What did the pretraining buy? The same architecture, from random numbers, on the same rows")
        _train_scratch(name, TEXT_SCRATCH, train, test, flags)
    _compare("messages", name, f"{TEXT_MODEL} (pretrained)", f"{TEXT_SCRATCH} (the same, from scratch)")
    _headline("Let it answer")
    _zoo("predict", name, *SENTENCES, *flags.device)
    return name


def _pieces_folder() -> Path:
    return home() / "quickstart" / "photographs"


def _prepare_photographs() -> None:
    _require(IMAGE_MODEL, "zoo-torchvision")
    try:
        photographs = fetch_photographs(show_fetching)
    except DownloadFailed as error:
        raise Unsupported(f"its photographs are not here: {error.message}", error.hint) from error
    finally:
        diagnostics.status("")
    write_pieces(photographs, _pieces_folder())


def _images(flags: Flags) -> str:
    """Pieces of ten photographs, ten of each to learn from."""
    name = _free_name("quickstart-images")
    train, test = str(_pieces_folder() / "train"), str(_pieces_folder() / "test")
    photographs = fetch_photographs()
    _headline("Images: real weights that were pretrained on 1.3 million photographs, checked against their sha256")
    _pull(IMAGE_MODEL)
    _headline("What it sees, as published")
    _zoo("predict", IMAGE_MODEL, *(str(photographs[label]) for label in SHOWN), "--top-k", "3", *flags.device)
    _headline("The data: pieces of ten photographs, ten of each to learn from; which photograph is one of?")
    _zoo("data", "inspect", train, "--eval", test)
    _headline("Fine-tune the pretrained model")
    _zoo("finetune", IMAGE_MODEL, "--data", train, "--name", name, *PIECES, *flags.training)
    _headline("Judge it on regions it has never seen")
    _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *flags.device)
    _headline("What did the pretraining buy? The same network, from random numbers, on the same pieces")
    _train_scratch(name, IMAGE_SCRATCH, train, test, flags, *PIECES)
    _compare("regions", name, f"{IMAGE_MODEL} (pretrained)", f"{IMAGE_SCRATCH} (the same, from scratch)")
    _answer_some(name, test, flags)
    return name


def _digits_folder() -> Path:
    return home() / "quickstart" / "digits"


def _prepare_digits() -> None:
    _require(DIGITS_MODEL, "zoo-resnet[digits]")
    write_digits(_digits_folder())


def _pretraining(flags: Flags) -> str:
    """Handwritten digits, few of them labelled."""
    name = _free_name("quickstart-digits")
    folder = _digits_folder()
    unlabelled, labelled, test = (str(folder / part) for part in ("unlabelled", "labelled", "test"))
    _headline("Images: 1,437 handwritten digits, ten labels for each digit")
    _zoo("data", "inspect", labelled, "--eval", test)
    _headline("Learn to see, without any label")
    _zoo("pretrain", DIGITS_MODEL, "--data", unlabelled, "--name", f"{name}-seen", *LOOKING, *flags.training)
    _headline("Fine-tune what has learnt to see, on ten labels a digit")
    _zoo("finetune", f"{name}-seen", "--data", labelled, "--name", name, *TUNING, *flags.training)
    _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *flags.device)
    _headline("The same network, from random numbers, on the same labels")
    _train_scratch(name, DIGITS_MODEL, labelled, test, flags, *TUNING)
    _compare("digits", name, f"{DIGITS_MODEL} (pretrained without labels)", f"{DIGITS_MODEL} (from scratch)")
    _answer_some(name, test, flags)
    return name


def _shapes_folder() -> Path:
    return home() / "quickstart" / "shapes"


def _prepare_shapes() -> None:
    _require(IMAGE_MODEL, "zoo-torchvision")
    write_shapes(_shapes_folder())


def _detect(flags: Flags) -> str:
    """Shapes, to be found in pictures."""
    name = _free_name("quickstart-shapes")
    folder = _shapes_folder()
    train, test = str(folder / "train.jsonl"), str(folder / "test.jsonl")
    _headline("Things to be found: shapes in 200 pictures that were drawn here, each with the box around it")
    _zoo("data", "inspect", train, "--eval", test)
    _headline("Real pretrained weights, checked against their published sha256")
    _pull(IMAGE_MODEL)
    _headline("Make a detector of the classifier")
    _zoo("finetune", IMAGE_MODEL, "--data", train, "--name", name, *SHAPES, *flags.training)
    _headline("Judge it on pictures it has never seen: map is the mean average precision, ap50 that of rough boxes")
    _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *flags.device)
    _headline("Let it answer, and draw what it finds")
    pictures = (str(folder / "test" / f"{number}.png") for number in range(EXAMPLES))
    _zoo("predict", name, *pictures, "--draw", str(folder / "found"), *flags.device)
    return name


def _prepare_speech() -> None:
    _require(SPEECH_MODEL, "zoo-speech")


def _speech(flags: Flags) -> str:
    """Spoken digits, one or two at a time."""
    name = _free_name("quickstart-speech")
    with as_file(files("zoo") / "quickstart" / "spoken_digits") as folder:
        train, test = str(folder / "train.csv"), str(folder / "test.csv")
        _headline("Speech: digits spoken by eSpeak NG, eight voices to learn from and two that are never heard before")
        _zoo("data", "inspect", train, "--eval", test)
        _headline("Learn what is said, from random numbers")
        _zoo("finetune", SPEECH_MODEL, "--data", train, "--name", name, *SPEAKING, *flags.training)
        _headline("Judge it on the other two voices: wer is the share of words that are wrong, missing or too many")
        _zoo("evaluate", name, "--data", test, "--name", f"{name}-test", *flags.device)
        _headline("Let it write down what they say")
        recordings = sorted(map(str, (folder / "test").glob("*.ogg")))
        _zoo("predict", name, *recordings[:: len(recordings) // EXAMPLES][:EXAMPLES], *flags.device)
    return name


PARTS = {
    "text": Part(_nothing, _text),
    "images": Part(_prepare_photographs, _images),
    "detect": Part(_prepare_shapes, _detect, by_default=False),
    "speech": Part(_prepare_speech, _speech, by_default=False),
    "pretraining": Part(_prepare_digits, _pretraining, by_default=False),
}
"""Names of the parts, in the order in which they are shown."""


def _require(model: str, requirement: str) -> None:
    """Look whether a model is there.

    Raises:
        Unsupported: it is not; the hint installs the requirement that brings it.
    """
    if not any(card.name == model for card in Catalog.load().cards):
        raise Unsupported(f"there is no model {model}", f"pip install '{requirement}'")


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


def _pull(model: str) -> None:
    _zoo("pull", model)
    weights = Catalog.load().resolve(model).weights
    assert weights is not None
    output.line(f"{weights.files[0].name}: sha256 {weights.files[0].sha256}, as published")


def _answer_some(name: str, test: str, flags: Flags) -> None:
    """Ask the model about images from different folders of classes."""
    _headline("Let it answer")
    images = sorted(Path(test).glob("*/*.png"))
    _zoo("predict", name, *map(str, images[:: len(images) // EXAMPLES][:EXAMPLES]), *flags.device)


def _headline(text: str) -> None:
    output.line()
    output.line(f"== {text}")


def _train_scratch(name: str, model: str, train: str, test: str, flags: Flags, *options: str) -> None:
    """Train the same network from random numbers on the same rows, and judge it.

    Args:
        name: of the model that it is compared with.
        model: of random numbers.
        train: the rows.
        test: those that both are judged on.
        flags: of the commands.
        options: of the training.
    """
    _zoo("finetune", model, "--data", train, "--name", f"{name}-scratch", *options, "-q", *flags.training)
    _zoo("evaluate", f"{name}-scratch", "--data", test, "--name", f"{name}-scratch-test", "-q", *flags.device)


def _compare(what: str, name: str, pretrained: str, scratch: str) -> None:
    """Show the primary figures of a model and of its `_train_scratch` side by side.

    Args:
        what: both were judged on.
        name: of the model.
        pretrained: what it is called in the table.
        scratch: likewise the other one.
    """
    runs = {pretrained: open_run(f"{name}-test"), scratch: open_run(f"{name}-scratch-test")}
    metric = next(iter(next(iter(runs.values())).metrics))
    _headline(f"The difference, in {metric} on the held-out {what}")
    rows = [(title, f"{run.metrics[metric]:.3f}") for title, run in runs.items()]
    classes = len(next(iter(runs.values())).snapshot.labels)
    output.table([*rows, ("guessing", f"{1 / classes:.3f}")], ("MODEL", metric.upper()))


def _free_name(base: str) -> str:
    """The name itself, or with a number where there is one from before."""
    names = {folder.name for folder in all_runs()}
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in names:
        number += 1
    return name
