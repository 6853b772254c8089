"""A new plugin, written to disk: a package that works, and keeps the contract, before its author changes a line.

The files are the templates beside this module, with `$plugin` (name of the plugin), `$package` (its import name),
`$title` (the name as the beginning of class names) and `$version` (of zoo) filled in.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from zoo import __version__
from zoo.errors import OptionInvalid, Unsupported
from zoo.plugins import plugin_names

TASKS = ("text-classification", "image-classification")
"""What there are templates for."""
PLAIN_TASK = "text-classification"
"""What there is a template without torch for."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUFFIX = ".template"


def write_plugin(name: str, task: str, into: Path, *, plain: bool = False) -> Path:
    """Write the package of a new plugin into a folder of its own, whole or not at all.

    Args:
        name: of the plugin, such as `fasttext`; the distribution is called `zoo-fasttext`.
        task: one of `TASKS`.
        into: where that folder goes; made if need be.
        plain: with a training loop of its own and without torch; there is one for `PLAIN_TASK`.

    Returns:
        The folder.

    Raises:
        OptionInvalid: the name is none or taken, or the folder exists.
        Unsupported: there is no template for the task.
    """
    name = name.removeprefix("zoo-")
    _check(name, task, (PLAIN_TASK,) if plain else TASKS)
    folder = into / f"zoo-{name}"
    if folder.exists():
        raise OptionInvalid(f"{folder} exists already", "choose another name, or another folder with --into")
    values = {
        "plugin": name,
        "package": f"zoo_{name.replace('-', '_')}",
        "title": "".join(part.capitalize() for part in name.split("-")),
        "version": ".".join(__version__.split(".")[:2]),
    }
    partial = into / f".zoo-{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for path, text in _texts("plain" if plain else f"torch {task}"):
            target = partial / Template(path).substitute(values)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(text).substitute(values), encoding="utf-8")
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OptionInvalid(
            f"{folder} cannot be written: {error.strerror}", "choose another folder with --into"
        ) from error
    return folder


def _check(name: str, task: str, tasks: tuple[str, ...]) -> None:
    if not _NAME.fullmatch(name) or len(name) > 60:
        raise OptionInvalid(
            f"{name!r} is no name for a plugin", "lower-case letters, digits and single dashes, such as my-model"
        )
    if name in plugin_names():
        raise OptionInvalid(f"there is a plugin {name!r} already", "zoo plugins lists them; choose another name")
    if task not in tasks:
        without = " without torch" if tasks == (PLAIN_TASK,) else ""
        advice = f"begin with {' or '.join(tasks)} and change it"
        raise Unsupported(f"there is no template for {task}{without}", advice)


def _texts(folders: str) -> Iterator[tuple[str, str]]:
    """Path inside the package, with slashes, and content of each file.

    Args:
        folders: of templates, beside the one that all have in common.
    """
    for folder in ("common", *folders.split()):
        yield from _walk(files("zoo.scaffold") / "templates" / folder, "")


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{prefix}{entry.name.removesuffix(_SUFFIX)}", entry.read_text(encoding="utf-8")
