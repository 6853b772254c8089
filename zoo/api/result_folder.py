"""What a run has learnt, as a folder that other libraries load, or that answers without any of zoo's plugins."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import atomic
from zoo.api.model_names import name_of_finished
from zoo.api.sources import by_role
from zoo.card import Card, FolderSource
from zoo.catalog import Catalog
from zoo.disk import check_takes_files
from zoo.errors import OptionInvalid, UnknownModel, Unsupported
from zoo.fetch import fetch
from zoo.model_choice import choose_model
from zoo.paths import runs_folder
from zoo.plurals import with_article
from zoo.readme_tags import PRIVATE_ROWS, tagged
from zoo.runs.heads import merge
from zoo.runs.model_card import README, settle_exported_readme
from zoo.runs.private_rows import learnt_privately
from zoo.runs.result import answers_by_onnx
from zoo.runs.store import store_invalid
from zoo.runs.stored_answers import FOLDER as STORED_ANSWERS
from zoo.suggestions import did_you_mean

if TYPE_CHECKING:
    from zoo.api.run import Run

FORMATS = {
    "safetensors": "weights and configuration, as transformers or torchvision loads them",
    "onnx": "the whole network for ONNX Runtime, with what has to be known to answer",
    "torch": "the same as a program of torch.export",
}
"""What a result is written as, in words."""


def export(
    result: str | Run,
    folder: str | os.PathLike[str],
    *,
    format: str = "safetensors",
    data: Any = None,
    input: str = "",
    columns: Mapping[str, str] = {},
    head: str = "",
    task: str = "",
) -> Path:
    """Write what a run has learnt as a folder that other libraries load, without zoo.

    As `onnx` and `torch` the network is written whole, with a README that has the lines of Python around it. These
    files answer some inputs as zoo does, or nothing is written; `model.json` says by how much they differ.

    Args:
        result: a finished run, its name, or that of one of its heads.
        folder: a new one.
        format: `safetensors`, `onnx` or `torch`.
        data: of `onnx` and `torch`, what is answered: a file, a folder, or a list of inputs. If not given, answers that
            the model keeps (see `zoo.shrink`), or the data that it learnt from, if not privately; at most 64 inputs.
        input: column of the inputs; found by its usual names if not given.
        columns: names of columns by role, for a task that has others.
        head: of a run with several, the one to write.
        task: the same, by what it does; where several do it, it is named.

    Returns:
        The folder. Of safetensors it has all tensors in one file, and the README.

    Raises:
        UnknownModel: there is no such result or head, or it has several heads.
        Unsupported: it is a model, but none that a run made, or it has no such form, or a package is missing.
        OptionInvalid: the folder exists, or cannot; or there is no such format.
        ChecksumMismatch: a file of the result is not what the run wrote.
        DatasetInvalid: there are no inputs to compare answers on.
        GateNotPassed: the files answer otherwise than zoo.
        StoreInvalid: the folder cannot be written.
    """
    result, named = name_of_finished(result), by_role(columns, input, "")
    _check_form(format, is_compared=data is not None or bool(named))
    catalog = Catalog.load()
    card = _head(catalog, result, head) if head else choose_model(catalog, result, "predict", task).card
    source = _source(card)
    if answers_by_onnx(source):
        raise Unsupported(
            f"{card.name} is a network for ONNX Runtime in 8 bits, and cannot be written otherwise",
            f"{source} answers without zoo as it is: its README.md says how; zoo export {card.shrunk_from} writes the "
            "original",
        )
    target = _new_folder(folder)
    with _whole(target, card.name) as staged:
        if format == "safetensors":
            _write_weights(card, source, staged)
        else:
            from zoo.api.portable_folder import write_portable

            staged.mkdir()
            write_portable(card, source, staged, format, data=data, columns=named, task=task)
    return target


def _check_form(format: str, *, is_compared: bool) -> None:
    """Insist on a form that there is.

    Raises:
        OptionInvalid: there is none, or no data can be compared on.
    """
    if format not in FORMATS:
        raise OptionInvalid(
            f"there is no format {format!r}", did_you_mean(format, FORMATS, f"it is one of {', '.join(FORMATS)}")
        )
    if format == "safetensors" and is_compared:
        raise OptionInvalid("safetensors are not compared with anything", "--format onnx and torch are; leave data out")


@contextlib.contextmanager
def _whole(target: Path, name: str) -> Iterator[Path]:
    """Where a new folder is made; it comes to its place once it is whole.

    Args:
        target: that place.
        name: of what is written, for messages.

    Raises:
        StoreInvalid: it cannot be written.
    """
    try:
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            yield staging / target.name
            atomic.sync(staging / target.name)
            (staging / target.name).rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise store_invalid(f"{name} cannot be written to {target}", error, target.parent) from error


def _write_weights(card: Card, source: Path, folder: Path) -> None:
    """Weights and configuration."""
    merge(source, folder)
    shutil.rmtree(folder / STORED_ANSWERS, ignore_errors=True)
    if card.shrunk_from:
        importlib.import_module("zoo.training.packing").unpack_folder(folder)
    settle_exported_readme(folder)
    if learnt_privately(card) and (readme := folder / README).exists():
        atomic.write_text(readme, tagged(readme.read_text(encoding="utf-8"), PRIVATE_ROWS))


def _head(catalog: Catalog, result: str, head: str) -> Card:
    """One of the heads of a result, by its name."""
    heads = catalog.heads(result)
    if not heads:
        card = catalog.resolve(result)
        raise UnknownModel(f"{card.name} has no heads to choose from", "leave --head out")
    chosen = next((card for card in heads if card.name.rpartition(".")[2] == head), None)
    if chosen is None:
        names = ", ".join(card.name.rpartition(".")[2] for card in heads)
        raise UnknownModel(f"{result} has no head {head!r}", f"its heads are {names}")
    return chosen


def _source(card: Card) -> Path:
    """The folder of a result, every file as the run wrote it."""
    sources = card.weights.sources if card.weights else ()
    folders = [Path(source.path) for source in sources if isinstance(source, FolderSource)]
    if card.weights is None or not any(folder.is_relative_to(runs_folder()) for folder in folders):
        hint = f"zoo pull {card.name} says where its files are" if card.weights else card.training_advice
        raise Unsupported(f"{card.name} is no result of a run", hint)
    return fetch(card.weights)


def _new_folder(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(f"the folder is {with_article(type(path).__name__)}, but must be a path", "name a new one")
    if not str(path):
        raise OptionInvalid("no folder is named to write to", "name a new one, such as exported")
    target = Path(path).expanduser().absolute()
    if target.exists() or target.is_symlink():
        raise OptionInvalid(f"{target} exists already", "name a new folder, or remove it")
    check_takes_files(target.parent, "choose another")
    return target
