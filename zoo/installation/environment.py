"""The environment that zoo runs in: what is installed there, and whether it can be changed."""

from __future__ import annotations

import importlib
import re
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from zoo.errors import Unsupported
from zoo.plugins import GROUP
from zoo.uv_or_pip import normalised

_ELSEWHERE = "install zoo into a virtual environment of its own: uv tool install zoo-models, or pipx install zoo-models"


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A distribution in the environment."""

    name: str
    version: str
    plugins: tuple[str, ...]
    """Names of its entry points in the group of plugins."""
    needs: tuple[str, ...]
    """Normalised names of the distributions it cannot do without."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A Python installation, virtual or not."""

    python: str
    folders: tuple[Path, ...]
    """Where packages stand."""
    stdlib: Path
    virtual: bool

    @classmethod
    def running(cls) -> Environment:
        """The one of this process."""
        return cls(
            python=sys.executable,
            folders=tuple(dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))),
            stdlib=Path(sysconfig.get_path("stdlib")),
            virtual=sys.prefix != sys.base_prefix,
        )

    def check_changeable(self) -> None:
        """Make sure that packages may be put there.

        Raises:
            Unsupported: something else manages the environment, or it cannot be written to.
        """
        if not self.virtual and (self.stdlib / "EXTERNALLY-MANAGED").exists():
            raise Unsupported(f"the Python in {self.stdlib} is managed by the operating system", _ELSEWHERE)
        for folder in self.folders:
            try:
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise Unsupported(f"{folder} cannot be written to: {error.strerror}", _ELSEWHERE) from error

    def distributions(self) -> dict[str, Distribution]:
        """All distributions, by normalised name."""
        importlib.invalidate_caches()
        installed = distributions(path=[str(folder) for folder in self.folders])
        return {normalised(one.name): one for one in installed if one.name}

    def contents(self) -> dict[str, Installed]:
        """What is installed, by normalised name."""
        return {name: _installed(one) for name, one in self.distributions().items()}


def _installed(distribution: Distribution) -> Installed:
    plugins = sorted({entry.name for entry in distribution.entry_points if entry.group == GROUP})
    needs = {
        normalised(match[0])
        for requirement in distribution.requires or ()
        if (match := re.match(r"[\w.-]+", requirement)) and "extra ==" not in requirement
    }
    return Installed(
        name=distribution.name,
        version=distribution.version,
        plugins=tuple(plugins),
        needs=tuple(sorted(needs)),
    )
