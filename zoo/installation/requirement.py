"""What a person asks to be installed: a name, a file or folder, an address."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import OptionInvalid

_NAME = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?(\[[\w.,\s-]*\])?\s*([<>=!~@].*)?", re.DOTALL)


def parse_requirement(text: str) -> str:
    """What the installer is given: paths become absolute, everything else stays as it is.

    Raises:
        OptionInvalid: it is none of the three, or the file is not there.
    """
    text = text.strip()
    if re.match(r"[a-z+]+://", text):
        return text
    if _is_path(text):
        path = Path(text).expanduser().absolute()
        if not path.exists():
            raise OptionInvalid(f"{text} is not there", "give a wheel, or a folder with a pyproject.toml")
        if path.is_dir() and not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
            raise OptionInvalid(f"{text} is no Python package", "it holds no pyproject.toml")
        return str(path)
    if not _NAME.fullmatch(text):  # an option of the installer, for one
        raise OptionInvalid(f"{text!r} is no name of a package", "give a name, a path or a URL")
    return text


def is_source(requirement: str) -> bool:
    """Whether it has to be built, which runs its author's code: a folder, a repository, an archive of sources."""
    place = requirement.partition(" @ ")[2] or requirement
    if "://" not in place and not Path(place).is_absolute():
        return False
    return not place.partition("#")[0].partition("?")[0].endswith(".whl")


def package_name(requirement: str) -> str:
    """The name of the package, as written; empty for a path or URL that does not contain it."""
    match = _NAME.fullmatch(requirement)
    return re.split(r"[^\w.-]", requirement)[0] if match and "://" not in requirement.partition(" @ ")[0] else ""


def _is_path(text: str) -> bool:
    if text.startswith("-") or "://" in text:
        return False
    return text.startswith((".", "~")) or "/" in text or "\\" in text or text.endswith(".whl")
