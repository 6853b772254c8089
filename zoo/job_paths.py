"""The paths that a person names in a job: data that must be there, files that must not."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.data.absence import STDIN, no_such_data
from zoo.data.in_memory import ACCEPTED
from zoo.disk import check_takes_files
from zoo.encoding import is_encodable
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.plurals import with_article
from zoo.runs.answer_files import answer_format
from zoo.tasks.task import Task


def existing(path: str | os.PathLike[str]) -> Path:
    """The absolute path of data.

    Raises:
        DatasetInvalid: there are none, or a run could not remember the name.
    """
    if not isinstance(path, str | os.PathLike):
        raise DatasetInvalid(f"the data are {type(path).__name__}, which is none of what data can be", ACCEPTED)
    absolute = Path(path).expanduser().absolute()
    if str(path) == STDIN or not absolute.exists():
        raise no_such_data(path)
    if not is_encodable(str(absolute)):
        raise DatasetInvalid(f"the name of {absolute} is not UTF-8, so a run cannot remember it", "rename it")
    return absolute


def existing_evaluation(data: str | os.PathLike[str]) -> Path:
    """The path of evaluation data; for a share in its place the error names the option."""
    try:
        share = float(str(data))
    except ValueError:
        return existing(data)
    if Path(str(data)).exists() or not 0 < share < 1:
        return existing(data)
    raise OptionInvalid(
        f"the evaluation data is {data!s}, but must be a file or folder",
        f"to hold out that share of the rows, leave --eval out and say --eval-share {share:g}",
    )


def classes_file(path: str | os.PathLike[str] | None) -> str:
    """The absolute path of a file of classes; empty where none is named."""
    if path in (None, ""):
        return ""
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(
            f"--classes is {with_article(type(path).__name__)}, but takes the path of a file", "name one"
        )
    return str(existing(path))


def new_file(path: str | os.PathLike[str], flag: str, format_name: str = "", task: Task | None = None) -> Path:
    """The absolute path of a file that answers can be written to."""
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(
            f"{flag} is {with_article(type(path).__name__)}, but takes the path of a new file", "name one"
        )
    if str(path) == "-":
        raise OptionInvalid(f"{flag} is -, which is stdout, but a run writes a file", f"name it: {flag} rows.csv")
    target = Path(path).expanduser().absolute()
    answer_format(target, format_name, task, flag)
    if not is_encodable(str(target)):
        raise OptionInvalid(f"{flag} {target} is not UTF-8, so a run cannot remember it", "choose another name")
    if target.exists():
        raise OptionInvalid(f"{target} exists already", f"choose another {flag}, or remove it")
    check_takes_files(target.parent, f"choose another {flag}")
    return target
