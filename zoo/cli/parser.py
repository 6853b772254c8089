"""Running one command: its flags, its errors, its exit code."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn, Protocol

from zoo.cli import diagnostics
from zoo.cli.diagnostics import Verbosity
from zoo.cli.exit_codes import ExitCode, exit_code
from zoo.errors import OptionInvalid, ZooError


class Command(Protocol):
    """What the module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags."""
        ...

    def run(self, args: argparse.Namespace) -> ExitCode:
        """Do it."""
        ...


class Parser(argparse.ArgumentParser):
    """Argparse, with usage errors that read like all others."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong in one line."""
        raise OptionInvalid(message, f"{self.prog} --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave after --help, while a reader that has gone away can still be noticed."""
        sys.stdout.flush()
        super().exit(status, message)


def new_parser(name: str, command: Command, help_text: str) -> Parser:
    """A parser that knows what every command takes."""
    parser = Parser(
        prog=f"zoo {name}",
        description=(command.__doc__ or help_text).partition("\n")[0].replace("`", ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    talk = parser.add_argument_group("talk").add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="say nothing but answers, warnings and errors")
    talk.add_argument("-v", "--verbose", action="store_true", help="say more; show tracebacks")
    return parser


def execute(name: str, command: Command, help_text: str, words: list[str]) -> int:
    """Parse a command's words and run it; every error ends here."""
    parser = new_parser(name, command, help_text)
    diagnostics.set_verbosity(Verbosity.VERBOSE if {"-v", "--verbose"} & set(words) else Verbosity.NORMAL)
    try:
        if complete := getattr(command, "complete_parser", None):
            complete(parser, words)
        else:
            command.add_arguments(parser)
        args = parser.parse_args(words)
        diagnostics.set_verbosity(_verbosity(args))
        code = command.run(args)
    except ZooError as error:
        diagnostics.error(error)
        return _with_traceback(exit_code(error))
    except KeyboardInterrupt:
        diagnostics.note("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise  # whoever read our output has seen enough: `main` ends quietly
    except Exception as error:  # the last resort: one clear line instead of a traceback
        text = " ".join(f"{type(error).__name__}: {error}".split())
        again = f"zoo -v {name} ... shows the traceback; please report it"
        diagnostics.error(ZooError(f"something unexpected happened: {text}", again))
        return _with_traceback(ExitCode.FAILED)
    return code


def _verbosity(args: argparse.Namespace) -> Verbosity:
    if args.quiet:
        return Verbosity.QUIET
    return Verbosity.VERBOSE if args.verbose else Verbosity.NORMAL


def _with_traceback(code: ExitCode) -> ExitCode:
    if diagnostics.verbose():
        import traceback

        traceback.print_exc()
    return code
