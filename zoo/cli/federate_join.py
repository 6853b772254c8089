"""`zoo federate join`: a client, whose data stay on its machine."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from zoo.api.starting import start_joining
from zoo.cli import diagnostics
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import source_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_now, add_placement, place_of
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.cli.watching import leave_or_watch
from zoo.errors import OptionInvalid
from zoo.file_cache import clear
from zoo.jobs import Job
from zoo.site_jobs import Joining
from zoo.sites.addresses import called_address
from zoo.sites.tokens import MOST

TOKEN = "ZOO_FEDERATE_TOKEN"  # noqa: S105  (the name of a variable)


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags; what is learnt and how is the server's to say."""
    parser.usage = f"{parser.prog} join ADDRESS --data DATA [options]"
    parser.description = (
        "Train a model together with clients elsewhere: weights, the number of rows and figures go to the server, "
        f"rows never do.\nThe token is asked for, or read from --token-file or {TOKEN}."
    )
    parser.examples = ("zoo federate join https://federation.example:8443 --data visits.csv --fingerprint SHA256:...",)
    parser.add_argument("side", choices=("join",), metavar="join", help="be a client")
    parser.add_argument("address", metavar="ADDRESS", help="of the server, such as https://federation.example:8443")
    parser.add_argument("--data", required=True, metavar="DATA", help="labelled data, read here and sent nowhere")
    parser.add_argument(
        "--fingerprint",
        default="",
        metavar="SHA256:...",
        help="of the server's certificate, as zoo federate serve says",
    )
    parser.add_argument("--token-file", default="", metavar="FILE", help="with the token of this client")
    parser.add_argument(
        "--model", default="", metavar="NAME", help="what the server's model is called here, if otherwise"
    )
    add_columns(parser, label=True)
    add_reading_labels(parser)
    parser.add_argument("--name", default="", help="name of the run and of the model that comes of it")
    add_placement(parser)
    parser.advanced.append(add_now(parser))
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask the server what is learnt, start a client, and watch."""
    called_address(args.address)
    job = Job(verb="finetune", model="", source=source_of(args, args.data), place=place_of(args), name=args.name)
    joining = Joining(
        address=args.address, token=_token(args.token_file), fingerprint=args.fingerprint, model=args.model
    )
    new_run = start_joining(job, joining)
    clear()  # the command may watch for days, so nothing is kept of what was read
    request = new_run.folder.request
    assert request.federation is not None
    assert request.federation.joining is not None
    terms = request.federation.joining.terms
    labels = f", labels {', '.join(terms.labels)}" if terms.labels else ""
    diagnostics.note(f"joining {args.address} as {terms.client}: {terms.model} for {terms.task}{labels}")
    diagnostics.note("what leaves this machine: weights, the number of rows, figures; no row does")
    diagnostics.note(f"run: {new_run.name}, in {new_run.folder.path}")
    return leave_or_watch(new_run, args=args)


def _token(file: str) -> str:
    """The token: from a file, from the environment, or from the person.

    Raises:
        OptionInvalid: nobody says it.
    """
    if file:
        try:
            with Path(file).open(encoding="utf-8") as stream:
                return stream.read(MOST + 2).strip()
        except (OSError, UnicodeError) as error:
            raise OptionInvalid(
                f"--token-file {file} cannot be read: {error}", "it has the token and nothing else"
            ) from error
    if token := os.environ.get(TOKEN, "").strip():
        return token
    if not sys.stdin.isatty():
        raise OptionInvalid("nobody is there to ask for the token", f"--token-file FILE or {TOKEN} says it")
    try:
        return getpass.getpass("token: ").strip()
    except EOFError:
        return ""
