"""The Python that zoo runs in, the command that a shell starts, and the variables that zoo looks at."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from zoo import __version__, settings
from zoo.errors import Unsupported
from zoo.findings import Finding, ok, warning
from zoo.installation.environment import Environment
from zoo.installation.installer import find_installer
from zoo.settings import SETTINGS, Origin
from zoo.suggestions import nearest

VARIABLES = ("ZOO_PLUGINS", *(setting.variable for setting in SETTINGS.values()))
"""Those that a person sets."""
_ALIKE = 0.8
"""How much another variable must resemble one of them to be taken for a slip."""


def look() -> Iterator[Finding]:
    """Versions, the environment, the command, the variables."""
    environment = Environment.running()
    kind = "a virtual environment" if environment.virtual else "no virtual environment"
    yield ok("Python", f"{platform.python_version()}, {sys.executable} ({kind})")
    yield ok("zoo", f"{__version__}, in {Path(__file__).parent.parent}")
    yield _command()
    yield _changeable(environment)
    yield from _misspelt(os.environ)
    yield from _settings()


def _command() -> Finding:
    """Whether typing zoo starts this one."""
    command, scripts = shutil.which("zoo"), Path(sysconfig.get_path("scripts"))
    if command is None:
        return warning("zoo in PATH", "a shell finds no command zoo", f'export PATH="{scripts}:$PATH"')
    if Path(command).parent.resolve() != scripts.resolve() and not _leads_to(Path(command), scripts):
        words = f"a shell starts {command}, which belongs to another Python than {sys.executable}"
        return warning("zoo in PATH", words, f'export PATH="{scripts}:$PATH"')
    return ok("zoo in PATH", command)


def _leads_to(command: Path, scripts: Path) -> bool:
    """Whether a command is a link to that of an environment, as `uv tool` and pipx make them."""
    return command.resolve().parent == scripts.resolve()


def _changeable(environment: Environment) -> Finding:
    try:
        environment.check_changeable()
        installer = find_installer(environment)
    except Unsupported as reason:
        return warning("zoo install", f"plugins cannot be installed: {reason.message}", reason.hint)
    return ok("zoo install", f"plugins can be installed, by {installer.uv or 'pip'}")


def _settings() -> Iterator[Finding]:
    """What a person has decided, by variables or in a file."""
    values = {name: settings.resolve(name) for name in SETTINGS}
    said = [f"{name} is {value.text} ({value.origin})" for name, value in values.items() if value.origin != Origin()]
    yield ok("settings", "; ".join(said) or "all as zoo decides", "zoo config --where")


def _misspelt(variables: os._Environ[str]) -> Iterator[Finding]:
    for name in sorted(variables):
        if name.startswith("ZOO") and name not in VARIABLES:
            for meant in nearest(name, VARIABLES, cutoff=_ALIKE):
                words = f"zoo does not look at {name}; {meant} resembles it"
                yield warning(name, words, f"unset {name}; export {meant}=...")
