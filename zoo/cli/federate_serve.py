"""`zoo federate serve`: the server of clients that are elsewhere, and who may join it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from zoo.api.starting import start_serving
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_help_all, add_options, options_of, unlist
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_now
from zoo.cli.source_args import add_columns, columns_of, newest
from zoo.cli.watching import leave_or_watch
from zoo.errors import OptionInvalid, StoreInvalid
from zoo.federated_jobs import OF_ONE_TRAINING
from zoo.file_cache import clear
from zoo.hyperparameters import FederationOptions, FinetuneOptions
from zoo.jobs import Job, Place
from zoo.options import Options
from zoo.site_jobs import Serving
from zoo.sites.addresses import USUAL_PORT, listening_address
from zoo.sites.options import ServingOptions
from zoo.sites.tokens import ONLY_OWNER
from zoo.sources import Source
from zoo.tasks import BUILT_IN, get_task


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included; the word serve is not among those typed."""
    parser.usage = f"{parser.prog} serve MODEL --clients NAMES [options]"
    parser.description = (
        "Let clients elsewhere train a model on data that stay with them, and average what they learn, over HTTPS."
    )
    parser.examples = (
        "zoo federate serve all-minilm-l6-v2 --clients alice,bob,carol --labels no,yes --rounds 5",
        "zoo federate serve mine --clients alice,bob --address 10.0.0.5:8443 --tokens tokens.txt --detach",
    )
    add_help_all(parser)
    parser.add_argument("side", choices=("serve",), metavar="serve", help="be the server")
    parser.add_argument("model", metavar="MODEL", help="a model with weights, or a finished run; all clients have it")
    parser.add_argument("--clients", default="", metavar="NAMES", help="those that may join, such as alice,bob,carol")
    parser.add_argument(
        "--address",
        default=f"0.0.0.0:{USUAL_PORT}",
        metavar="HOST:PORT",
        help=f"where to listen (default: 0.0.0.0:{USUAL_PORT}, all networks of this machine)",
    )
    parser.add_argument(
        "--eval", default=None, metavar="DATA", help="rows here, on which the weights of each round are judged"
    )
    parser.add_argument(
        "--tokens", default="", metavar="FILE", help="a new file for the tokens, in the place of showing them once"
    )
    parser.add_argument("--certificate", default="", metavar="FILE", help="PEM; one is made if not given")
    parser.add_argument("--key", default="", metavar="FILE", help="PEM, to the certificate")
    add_columns(parser, label=True)
    separator = parser.add_argument(
        "--separator", action="append", default=[], metavar="MARK", help="what stands between the labels of a row"
    )
    parser.advanced.append(separator)
    parser.add_argument("--name", default="", help="name of the run and of the model that comes of it")
    add_task(parser)
    parser.add_argument("--device", default="cpu", help="where weights are averaged and judged (default: cpu)")
    parser.advanced.append(add_now(parser))
    parser.add_argument("--detach", action="store_true", help="return at once; the server goes on")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document; needs --tokens")
    add_options(parser, FederationOptions, ServingOptions, title="how clients learn together, and who is waited for")
    known: tuple[type[Options], ...] = (FinetuneOptions, *(get_task(name).options["finetune"] for name in BUILT_IN))
    if model := model_word(parser, words, *known):
        of_eval = [word.replace("--eval", "--data", 1) if word.split("=")[0] == "--eval" else word for word in words]
        add_model_options(parser, of_eval, model, "finetune")
    else:
        add_options(parser, FinetuneOptions, title="options every model understands (name one to see all of its own)")
    unlist(parser, "private", "unit", "baseline", *OF_ONE_TRAINING)


def run(args: argparse.Namespace) -> ExitCode:
    """Start the server, say how clients join, and watch."""
    if args.json and not args.tokens:
        raise OptionInvalid("--json leaves no place for tokens", "--tokens FILE says where they go")
    job = Job(
        verb="finetune",
        model=args.model,
        task=args.task,
        source=Source(data=args.eval, columns=columns_of(args), separator=newest(args, "separator")),
        place=Place(device=args.device, precision="fp32", now=args.now),
        options=options_of(args),
        name=args.name,
    )
    serving = Serving(clients=args.clients, address=args.address, certificate=args.certificate, key=args.key)
    tokens_file = _new_file(args.tokens) if args.tokens else None
    try:
        new_run, tokens, fingerprint = start_serving(job, serving, args.catalog)
    except BaseException:
        if tokens_file is not None:
            tokens_file.unlink(missing_ok=True)
        raise
    clear()  # the command may watch for days, so nothing is kept of what was read
    lines = [f"{name} {token}" for name, token in tokens.items()]
    if tokens_file is None:
        for line in lines:
            output.line(line)
        output.flush()
        diagnostics.note("these tokens are shown once and kept nowhere: give each client its own, by a safe way")
    else:
        _write(tokens_file, "".join(f"{line}\n" for line in lines), new_run.name)
        diagnostics.note(f"tokens: one line for each client, in {tokens_file}")
    address = listening_address(args.address)
    host = "HOST" if address.host in ("0.0.0.0", "::") else address.host  # noqa: S104  (it is what was typed)
    diagnostics.note(f"run: {new_run.name}, in {new_run.folder.path}")
    pin = "" if args.certificate else f" --fingerprint {fingerprint}"
    diagnostics.note(f"clients: zoo federate join https://{host}:{address.port or 'PORT'} --data DATA{pin}")
    return leave_or_watch(new_run, args=args)


def _new_file(text: str) -> Path:
    """Make the file where tokens go, for its owner alone, before there are any: they are kept nowhere else.

    Raises:
        OptionInvalid: something is there, or nothing can be written there.
    """
    path = Path(text).absolute()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER))
    except OSError as error:
        why = "it is there already" if isinstance(error, FileExistsError) else error.strerror or error
        raise OptionInvalid(f"--tokens {text}: {why}", "name a new file, in a folder that can be written to") from error
    return path


def _write(path: Path, text: str, run_name: str) -> None:
    """Fill the file that was made for tokens.

    Raises:
        StoreInvalid: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreInvalid(
            f"the tokens cannot be written to {path}: {error.strerror or error}",
            f"nobody has them now: zoo stop {run_name}, and serve anew",
        ) from error
