"""A new plugin, written to disk: a package that works, and keeps the contract, before its author changes a line.

The files are the templates beside this module, with the values of `_values` filled in. A plugin on torch is made of
those in `torch` and of those of its kind of input; whoever wants none has those in `plain`.
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
from zoo.answers import Classification
from zoo.errors import OptionInvalid, Unsupported
from zoo.plugins import plugin_names
from zoo.tasks import get_task
from zoo.tasks.task import Task

PLAIN_TASK = "text-classification"
"""What the model of a plugin without torch does where nothing is said."""
PLAIN = "plain"
_REQUIREMENTS = {
    "text": ("tokenizers>=0.22", "[training]"),
    "prompt": ("tokenizers>=0.22", "[training]"),
    "image": ("", "[images,training]"),
    "recording": ("", "[audio,training]"),
    PLAIN: ("", ""),
}
"""Of plugins for a kind of input: another distribution, and the extras of zoo."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUFFIX = ".template"


def write_plugin(name: str, task: str, into: Path, *, plain: bool = False) -> Path:
    """Write the package of a new plugin into a folder of its own, whole or not at all.

    Args:
        name: of the plugin, such as `fasttext`; the distribution is called `zoo-fasttext`.
        task: what its model does.
        into: where that folder goes; made if need be.
        plain: with a training loop of its own and without torch.

    Returns:
        The folder.

    Raises:
        OptionInvalid: the name is none or taken, or the folder exists.
        Unsupported: there is no such task, or no template for it.
    """
    name = name.removeprefix("zoo-")
    _check_name(name)
    declaration = get_task(task)
    folders = _template_folders(declaration, plain=plain)
    folder = into / f"zoo-{name}"
    if folder.exists():
        raise OptionInvalid(f"{folder} exists already", "choose another name, or another folder with --into")
    values = _values(name, declaration, folders[0])
    partial = into / f".zoo-{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for path, text in _texts(folders):
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


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > 60:
        raise OptionInvalid(
            f"{name!r} is no name for a plugin", "lower-case letters, digits and single dashes, such as my-model"
        )
    if name in plugin_names():
        raise OptionInvalid(f"there is a plugin {name!r} already", "zoo plugins lists them; choose another name")


def _template_folders(task: Task, *, plain: bool) -> tuple[str, ...]:
    """The templates for a task beside the common ones, what they are about first.

    Raises:
        Unsupported: there are none.
    """
    kind = str(task.input)
    has_body = task.objective != "" and kind in _REQUIREMENTS
    if has_body and not plain:
        return (kind, "torch")
    if kind == "text" and task.target and task.target.has_classes and issubclass(task.answer, Classification):
        return (PLAIN,)
    if has_body:
        raise Unsupported(f"there is no template for {task.name} without torch", "leave --plain out")
    raise Unsupported(
        f"there is no template for {task.name}: a {task.input} is answered by a {task.answer.__name__}",
        f"begin with --task {PLAIN_TASK} --plain and change it; zoo plugins guide task has a model for a task like it",
    )


def _values(name: str, task: Task, kind: str) -> dict[str, str]:
    """What stands in the templates, by its name there.

    Args:
        name: of the plugin.
        task: of its model.
        kind: of input, or `PLAIN`.
    """
    verb, lacking = ("finetune", "pretrain") if task.target else ("pretrain", "finetune")
    distribution, extras = _REQUIREMENTS[kind]
    version = ".".join(__version__.split(".")[:2])
    requirements = (distribution, f"zoo-models{extras}~={version}.0")
    return {
        "plugin": name,
        "package": f"zoo_{name.replace('-', '_')}",
        "title": "".join(part.capitalize() for part in name.split("-")),
        "task": task.name,
        "verb": verb,
        "Verb": verb.capitalize(),
        "lacking": lacking,
        "requirements": ", ".join(f'"{one}"' for one in requirements if one),
    }


def _texts(folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Path inside the package, with slashes, and content of each file.

    Args:
        folders: of templates, beside the one that all have in common.
    """
    for folder in ("common", *folders):
        yield from _walk(files("zoo.scaffold") / "templates" / folder, "")


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{prefix}{entry.name.removesuffix(_SUFFIX)}", entry.read_text(encoding="utf-8")
