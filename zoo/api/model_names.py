"""What names a model in Python: a text, or a run, whose result is meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from zoo.errors import OptionInvalid, Unsupported
from zoo.plurals import with_article
from zoo.runs import status
from zoo.runs.request import MAKING_MODELS
from zoo.runs.store import RunFolder, name_of_result

if TYPE_CHECKING:
    from zoo.api.run import Run


def name_of(model: str | Run) -> str:
    """The whole name of a model, or of the one that comes of a run, whether that has finished or not."""
    from zoo.api.run import Run

    return name_of_result(model.folder) if isinstance(model, Run) else model


def name_of_finished(model: str | Run) -> str:
    """The same of a model that has to be there by now.

    Raises:
        Unsupported: the run has not finished, or is of a kind that makes no model.
    """
    from zoo.api.run import Run

    if isinstance(model, Run):
        check_makes_model(model.folder)
    return name_of(model)


def names_of_finished(models: str | Run | Sequence[str | Run]) -> str:
    """The same of several, with commas between, as they stand in a text that has several.

    Raises:
        Unsupported: as `name_of_finished`.
        OptionInvalid: they are none of this.
    """
    from zoo.api.run import Run

    several = (models,) if isinstance(models, str | Run) else models
    if not isinstance(several, Collection):
        raise OptionInvalid(
            f"--models is {with_article(type(models).__name__)}, but takes names of models", 'such as ["bert-tiny"]'
        )
    return ",".join(str(name_of_finished(model)) for model in several)


def check_makes_model(folder: RunFolder) -> None:
    """Insist on a run that has made a model.

    Raises:
        Unsupported: it has not finished, or is of a kind that makes none.
    """
    request = folder.request
    if request.verb not in MAKING_MODELS:
        raise Unsupported(f"run {folder.name} makes no model: it is there to {request.verb}", f"use {request.model}")
    ended_as = status.read(folder)
    if ended_as.status != "finished":
        hint = "wait for its end: run.wait()" if ended_as.pending else f"go on with it: zoo resume {folder.name}"
        raise Unsupported(f"run {folder.name} is {ended_as.status} and has no model yet", hint)
