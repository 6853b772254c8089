"""The whole journey on real data, in a few minutes: inspect, train, evaluate, compare, predict. Texts, then images."""

from __future__ import annotations

import argparse
import time

from zoo.api import open_run
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.quickstart_parts import PARTS, TEXT_MODEL, Flags
from zoo.errors import Unsupported
from zoo.units import duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    by_default = " and ".join(name for name, part in PARTS.items() if part.by_default)
    parser.add_argument("part", nargs="?", choices=PARTS, help=f"only this part (default: {by_default})")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")
    parser.add_argument("--epochs", type=float, help="train less, on a slow machine (default: as each model needs)")


def run(args: argparse.Namespace) -> ExitCode:
    """Run the commands a person would type, one after the other, each shown before it runs."""
    start = time.monotonic()
    device = () if args.device == "auto" else ("--device", args.device)
    training = device if args.epochs is None else (*device, "--epochs", f"{args.epochs:g}")
    models = []
    for name, part in PARTS.items():
        if args.part not in (name, None) or (args.part is None and not part.by_default):
            continue
        try:
            part.prepare()
        except Unsupported as error:
            if args.part:
                raise Unsupported(f"the part on {name} cannot be shown: {error.message}", error.hint) from error
            diagnostics.note()
            diagnostics.note(f"the part on {name} is left out ({error.message}): {error.hint}")
        else:
            models.append(part.show(Flags(device, training)))
    _what_next(models, time.monotonic() - start)
    return ExitCode.OK


def _what_next(models: list[str], took_s: float) -> None:
    output.line()
    output.line(f"Done in {duration(took_s)}. The models stand in")
    for name in models:
        output.line(f"  {open_run(name).folder.model_folder}")
    output.line("Try next:")
    for name in models:
        output.line(f"  zoo predict {name} INPUT")
    output.line("  zoo data inspect YOUR.csv")
    output.line(f"  zoo finetune {TEXT_MODEL} --data YOUR.csv")
    output.line("  zoo finetune resnet50 --data FOLDER/OF/CLASS/FOLDERS")
