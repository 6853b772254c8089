"""The data of a job, as arguments of Python say them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.api.model_names import name_of_finished
from zoo.errors import OptionInvalid
from zoo.kinds.kind import INPUT, TARGET
from zoo.plurals import with_article
from zoo.sources import Source

if TYPE_CHECKING:
    from zoo.api.run import Run


def source_of(
    data: Any,
    columns: Mapping[str, Any],
    separator: str = "",
    classes: str | os.PathLike[str] = "",
    merge_labels: bool = False,
    *,
    eval_data: Any = None,
    teacher: str | Run = "",
) -> Source:
    """The one source of a job; arguments as the fields of `zoo.Source`, and a run may be the teacher."""
    return Source(
        data=data,
        eval_data=eval_data,
        columns=columns,
        separator=separator,
        classes=classes,
        merge_labels=merge_labels,
        teacher=name_of_finished(teacher) if teacher else "",
    )


def named_sources(sources: Mapping[str, Any], alone: Source, task: str) -> tuple[Source, ...]:
    """Several sources, by their names.

    Args:
        sources: data or `zoo.Source` of each.
        alone: what was said as if there were one.
        task: likewise.

    Raises:
        OptionInvalid: they are no dict, or something is said of one without its name.
    """
    if not isinstance(sources, Mapping):
        raise OptionInvalid(
            f"sources is {with_article(type(sources).__name__)}, but takes a dict", 'such as {"sentiment": "a.csv"}'
        )
    given = {
        "data": alone.data is not None,
        "eval_data": alone.eval_data is not None,
        "columns": bool(alone.columns),
        "teacher": bool(alone.teacher),
    }
    said = next((name for name, is_given in given.items() if is_given), "task" if task else "")
    if sources and said:
        raise OptionInvalid(
            f"{said} does not say for which source", f"zoo.Source({said}=...) in the dict of sources does"
        )
    return tuple(
        msgspec.structs.replace(one, name=str(name)) if isinstance(one, Source) else Source(name=str(name), data=one)
        for name, one in sources.items()
    )


def by_role(columns: Mapping[str, str], input: Any, label: Any = "") -> dict[str, Any]:
    """The names of all columns by role.

    Raises:
        OptionInvalid: `columns` is no dict.
    """
    if not isinstance(columns, Mapping):
        raise OptionInvalid(
            f"columns is {with_article(type(columns).__name__)}, but takes a dict", 'such as {"input": "comment"}'
        )
    usual = {INPUT: input, TARGET: label}
    return {**columns, **{role: name for role, name in usual.items() if name is not None and name != ""}}
