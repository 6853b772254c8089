"""Running one command: its flags, its errors, its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

from zoo.cli import diagnostics, output
from zoo.cli.diagnostics import Verbosity
from zoo.cli.exit_codes import ExitCode, exit_code
from zoo.cli.spelling import MODEL_FLAGS, flag_of_other_tool, respelled, unknown_flag
from zoo.disk import store_error
from zoo.errors import OptionInvalid, ZooError
from zoo.file_cache import read_once
from zoo.plurals import counted
from zoo.suggestions import did_you_mean, nearest

TALK = "talk"


class Command(Protocol):
    """What the module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags."""
        ...

    def run(self, args: argparse.Namespace) -> ExitCode:
        """Do it."""
        ...


class Parser(argparse.ArgumentParser):
    """Argparse, with usage errors that read like all others and suggest what may be meant."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.aliases: dict[str, str] = {}
        """What other tools call a flag, to the flag itself."""
        self.examples: tuple[str, ...] = ()
        """Commands as a person types them, shown by --help and where something required is missing."""
        self.advanced: list[argparse.Action] = []
        """Flags that few people need: --help leaves them out, --help-all shows them."""
        self.presets: list[str] = []
        """Words that stand before those that are typed, such as those of a recipe."""
        self.model_hint: Callable[[str], str] = lambda flag: ""
        """What the named model says of a flag that it does not have; empty where that is nothing."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse all words; one that is not understood is an error with the nearest that would be.

        Words of which there may be several stand before, between and after flags; argparse by itself takes all of them
        from the first place that has any.
        """
        flags = self._option_string_actions
        typed = sys.argv[1:] if args is None else args
        words = [respelled(word, flags, self.aliases) for word in (*self.presets, *typed)]
        if unknown := unknown_flag(words, flags):
            raise OptionInvalid(f"there is no option {unknown!r}", self.hint_for_flag(unknown))
        several = any(action.nargs in ("*", "+") for action in self._get_positional_actions())
        parse = self.parse_known_intermixed_args if several else self.parse_known_args
        parsed, rest = parse(words, namespace)
        if rest and rest[0].startswith("-"):
            raise OptionInvalid(f"there is no option {rest[0]!r}", self.hint_for_flag(rest[0]))
        if rest:
            raise OptionInvalid(f"{rest[0]!r} is one word too many", f"{self.prog} --help")
        return parsed

    def hint_for_flag(self, flag: str) -> str:
        """What may be meant by a flag that the command does not have."""
        if hint := self.model_hint(flag):
            return hint
        flags = self._option_string_actions
        if flag in MODEL_FLAGS and any(action.dest == "model" for action in self._actions):
            return f"the model is named without a flag: {self.prog} MODEL"
        if similar := flag_of_other_tool(flag, flags):
            help_text = flags[similar.partition(" ")[0]].help or ""
            return f"did you mean {similar}? {help_text.replace('%%', '%')}"
        for near in nearest(flag, [one for one in (*flags, *self.aliases) if one.startswith("--")]):
            return f"did you mean {self.aliases.get(near, near)}?"
        return f"{self.prog} --help"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of the choices, with the nearest of them."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            otherwise = f"such as {self.examples[0]}" if self.examples else f"{self.prog} --help"
            hint = did_you_mean(str(value), choices, otherwise)
            flag = "/".join(action.option_strings)
            what = f"{flag} is {value!r}, but takes" if flag else f"{value!r} is not"
            raise OptionInvalid(f"{what} one of {', '.join(choices)}", hint)

    def format_help(self) -> str:
        """The help without the flags that few people need, and with how many there are."""
        if not self.advanced:
            return self._format_all()
        texts = [action.help for action in self.advanced]
        for action in self.advanced:
            action.help = argparse.SUPPRESS
        try:
            help_text = self._format_all()
        finally:
            for action, text in zip(self.advanced, texts, strict=True):
                action.help = text
        return f"{help_text}\n{counted(len(self.advanced), 'more option')} that few people need: --help-all\n"

    def _format_all(self) -> str:
        self._action_groups.sort(key=lambda group: group.title == TALK)  # what all commands have comes last
        if self.examples:
            self.epilog = "\n".join(["examples:" if len(self.examples) > 1 else "example:", *self._indented()])
        return super().format_help()

    def _indented(self) -> list[str]:
        return [f"  {example}" for example in self.examples]

    def error(self, message: str) -> NoReturn:
        """Say what was wrong in one line."""
        example = f"such as {self.examples[0]}; " if self.examples and "required" in message else ""
        raise OptionInvalid(message, f"{example}{self.prog} --help")

    def print_help(self, file: Any = None) -> None:
        """Write the help to stdout; argparse would pass over a stdout that takes no more."""
        output.page(self.format_help())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave after --help, while a reader that has gone away can still be noticed."""
        output.flush()
        super().exit(status, message)


class HelpAll(argparse.Action):
    """`--help-all`: the help with every flag."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and leave."""
        assert isinstance(parser, Parser)
        parser.advanced = []
        parser.print_help()
        parser.exit()


def new_parser(name: str, command: Command, help_text: str) -> Parser:
    """A parser that knows what every command takes."""
    parser = Parser(
        prog=f"zoo {name}",
        description=(command.__doc__ or help_text).partition("\n")[0].replace("`", ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    talk = parser.add_argument_group(TALK).add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="say nothing but answers, warnings and errors")
    talk.add_argument("-v", "--verbose", action="store_true", help="say more; show tracebacks")
    return parser


def execute(name: str, command: Command, help_text: str, words: list[str]) -> int:
    """Parse a command's words and run it; every error ends here."""
    parser = new_parser(name, command, help_text)
    diagnostics.set_verbosity(Verbosity.VERBOSE if {"-v", "--verbose"} & set(words) else Verbosity.NORMAL)
    try:
        if complete := getattr(command, "complete_parser", None):
            with read_once():  # data decide on its flags, and are what it works on
                complete(parser, words)
                code = _run(command, parser, words)
        else:
            command.add_arguments(parser)
            code = _run(command, parser, words)
    except ZooError as error:
        diagnostics.error(error)
        return _with_traceback(exit_code(error))
    except KeyboardInterrupt:
        diagnostics.note("interrupted")
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, output.AnswerLost):
        raise  # of stdout: `main` ends quietly, or with one line
    except Exception as error:  # the last resort: one clear line instead of a traceback
        diagnostics.error(_explained(error, name))
        return _with_traceback(ExitCode.FAILED)
    finally:
        _report_slow_plugins()
    return code


def _run(command: Command, parser: Parser, words: list[str]) -> ExitCode:
    args = parser.parse_args(words)
    diagnostics.set_verbosity(_verbosity(args))
    _report_slow_plugins()
    return command.run(args)


def _explained(error: Exception, command: str) -> ZooError:
    """What is said of an error that is none of ours: of a disk, what is wrong with it, of all others, to report it."""
    if isinstance(error, OSError) and (disk_error := store_error(error)):
        return disk_error
    text = " ".join(f"{type(error).__name__}: {error}".split())
    again = f"zoo -v {command} ... shows the traceback; please report it"
    return ZooError(f"something unexpected happened: {text}", again)


def _report_slow_plugins() -> None:
    """Say which plugins one has just waited for, each once; a command that needs none has loaded none."""
    plugins = sys.modules.get("zoo.plugins")
    for name, seconds in plugins.take_slow() if plugins is not None else ():
        diagnostics.note(f"plugin {name} took {seconds:.1f} s to be imported; every command waits for it (zoo plugins)")


def _verbosity(args: argparse.Namespace) -> Verbosity:
    if args.quiet:
        return Verbosity.QUIET
    return Verbosity.VERBOSE if args.verbose else Verbosity.NORMAL


def _with_traceback(code: ExitCode) -> ExitCode:
    if diagnostics.verbose():
        import traceback

        traceback.print_exc()
    return code
