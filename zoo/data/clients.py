"""Whose rows are whose: a folder with the data of one client in each of its folders or files, or a column says so."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.data.example import Dataset
from zoo.data.formats import names_data
from zoo.data.labels import match_labels, merge_labels
from zoo.data.row_values import row_values
from zoo.errors import DatasetInvalid
from zoo.kinds.media_files import holds_media
from zoo.plurals import counted, name_list

_LONGEST = 40
"""Letters of a name: at most 160 bytes, and file systems take 255."""


class ClientData(NamedTuple):
    """A client and what it has."""

    name: str
    path: Path


def clients_in(folder: Path) -> list[ClientData]:
    """The clients of a folder: each of its folders and data files is one.

    Raises:
        DatasetInvalid: it is no folder, or has fewer than two.
    """
    if not folder.is_dir():
        raise DatasetInvalid(
            f"{folder} is a file, but --clients takes a folder with the data of one client in each of its folders or "
            "files",
            "for one file whose rows are of several clients: --data FILE --by COLUMN",
        )
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DatasetInvalid(f"{folder} cannot be read: {error.strerror or error}") from error
    paths = [path for path in entries if path.is_dir() or names_data(path)]
    names = client_names([path.name if path.is_dir() else _stem(path) for path in paths])
    check_count(names, f"{folder} holds the data")
    return [ClientData(name, _data_in(path)) for name, path in zip(names, paths, strict=True)]


def check_count(names: Sequence[str], what: str) -> None:
    """Insist on several clients.

    Args:
        names: of them.
        what: has them.

    Raises:
        DatasetInvalid: there are fewer.
    """
    if len(names) < 2:
        only = f"one client only, {names[0]}" if names else "no client"
        raise DatasetInvalid(
            f"{what} of {only}; several learn together", "for one that learns alone: zoo finetune MODEL --data DATA"
        )


def _data_in(path: Path) -> Path:
    """What a client has: its folder, or the only table in that."""
    if path.is_file() or holds_media(path):
        return path
    tables = [one for one in path.iterdir() if one.is_file() and names_data(one)]
    return tables[0] if len(tables) == 1 else path


def _stem(path: Path) -> str:
    """The name of a file without what says that it holds data."""
    while names_data(path):
        path = path.with_suffix("")
    return path.name


def client_names(values: Sequence[str]) -> list[str]:
    """A name for each of these texts, of letters and digits of any script; no two are the same to any file system."""
    names: list[str] = []
    taken: set[str] = set()
    for value in values:
        plain = _plain(value)
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        names.append(name)
        taken.add(name.casefold())
    return names


def _plain(value: str) -> str:
    """A text without all that is no letter with its marks, no digit and no dash."""
    letters = unicodedata.normalize("NFC", value)
    kept = "".join(
        letter if letter.isalnum() or letter in "_-" or unicodedata.category(letter) in ("Mn", "Mc") else " "
        for letter in letters
    )
    return "-".join(kept.split())[:_LONGEST].strip("-") or "client"


def rows_by(path: Path, column: str, apart: str = "clients") -> dict[str, set[int]]:
    """The rows that have each of the values of a column, by the value; rows without any are left out.

    Args:
        path: of a table.
        column: its name.
        apart: what the values tell apart, for messages.

    Raises:
        DatasetInvalid: there is no such column.
    """
    rows: dict[str, set[int]] = defaultdict(set)
    for number, value in row_values(path, column, f"tell {apart} apart", "--by")[1].items():
        rows[value].add(number)
    return dict(sorted(rows.items()))


def part_of(dataset: Dataset, rows: Iterable[int]) -> Dataset:
    """A data set with some of its rows alone, those that cannot be used included."""
    kept = frozenset(rows)
    return msgspec.structs.replace(
        dataset,
        examples=tuple(one for one in dataset.examples if one.row in kept),
        rejected=tuple(one for one in dataset.rejected if one.row in kept),
        faults=tuple(one for one in dataset.faults if one.row in kept),
    )


def united(datasets: Sequence[Dataset], *, merge: bool) -> tuple[tuple[str, ...], list[Dataset]]:
    """The labels of all clients, and the data of each with its labels spelled so.

    Args:
        datasets: of the clients.
        merge: whether labels that look the same are one class.

    Raises:
        DatasetInvalid: there are too few labels in all of them.
    """
    first = datasets[0]
    if first.target is None:
        return (), list(datasets)
    whole = msgspec.structs.replace(first, examples=tuple(one for dataset in datasets for one in dataset.examples))
    if merge:
        whole = merge_labels(whole)
    labels = whole.labels
    if len(labels) < first.target.fewest_labels:
        raise DatasetInvalid(
            f"all {counted(len(datasets), 'client')} together have one class only: {name_list(labels)}",
            "a classifier needs at least two; is --label the right column?",
        )
    return labels, [match_labels(dataset, labels, merge=True) for dataset in datasets] if merge else list(datasets)


def lone_labels(names: Sequence[str], datasets: Sequence[Dataset]) -> dict[str, str]:
    """The labels that one client alone has, each with its name."""
    owners: dict[str, list[str]] = defaultdict(list)
    for name, dataset in zip(names, datasets, strict=True):
        for label in dataset.labels:
            owners[label].append(name)
    return {label: of[0] for label, of in owners.items() if len(of) == 1}
