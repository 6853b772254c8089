"""What a person names to be compared: a run, a head of one, or a model of a plugin."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.errors import OptionInvalid, UnknownModel, UnknownRun, Unsupported
from zoo.plurals import counted
from zoo.runs import status, store
from zoo.runs.request import MAKING_MODELS, RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder, maker_of, name_of_result, training_of


class Subject(NamedTuple):
    """One of those that are compared."""

    name: str
    model: str = ""
    """`plugin/name` of the model that answers; empty where there is none."""
    no_model: str = ""
    """Why there is none."""
    folder: RunFolder | None = None
    """Of the run that made the model, or judged it; None for a model that comes with a plugin."""
    request: RunRequest | None = None
    """What that run was asked to do; of a head what would have been asked for, were it the only one."""
    snapshot: RunSnapshot | None = None

    @property
    def judged(self) -> bool:
        """Whether it is a run that judged a model, and made none."""
        return self.request is not None and self.request.verb == "evaluate"


def find_subjects(names: Sequence[str], catalog: Catalog) -> tuple[Subject, ...]:
    """What names stand for, in their order.

    Raises:
        OptionInvalid: they are fewer than two, or two of them are the same.
        UnknownRun: there is neither a run nor a model of a name.
        UnknownModel: a name may be that of several models.
        Unsupported: a run of a name was held against nothing.
    """
    if len(names) < 2:
        raise OptionInvalid(
            f"{counted(len(names), 'name')} given, and a comparison is of two or more",
            "such as zoo compare mine other --data test.csv",
        )
    subjects = tuple(_subject(name, catalog) for name in names)
    seen: set[str] = set()
    for subject in subjects:
        if subject.name in seen:
            raise OptionInvalid(f"{subject.name} is named twice", "name each once: it is as good as itself")
        seen.add(subject.name)
    return subjects


def _subject(name: str, catalog: Catalog) -> Subject:
    with contextlib.suppress(UnknownRun):
        folder = store.find(name)
        if folder.name == name:
            return _of_run(folder, catalog)
    if card := next((card for card in catalog.cards if name in (card.name, card.full_name)), None):
        return _of_model(card)
    try:
        return _of_run(store.find(name), catalog)
    except UnknownRun as unknown:
        try:
            return _of_model(catalog.resolve(name))
        except UnknownModel as error:
            if "may be any of" in error.message or "several runs" in unknown.message:
                raise (error if "may be any of" in error.message else unknown) from None
            hint = error.hint if error.hint.startswith("did you mean") else unknown.hint
            raise UnknownRun(f"there is no run and no model {name!r}", hint) from None


def _of_run(folder: RunFolder, catalog: Catalog) -> Subject:
    request, snapshot = folder.request, status.read(folder)
    subject = Subject(folder.name, folder=folder, request=request, snapshot=snapshot)
    if request.verb == "evaluate":
        here = any(card.full_name == request.model for card in catalog.cards)
        return subject._replace(model=request.model if here else "", no_model=f"the model {request.model} is gone")
    if request.verb not in MAKING_MODELS:
        raise Unsupported(
            f"run {folder.name} answered {request.data.path}, and was held against nothing",
            f"compare its model: {request.model.rpartition('/')[2]}",
        )
    if snapshot.status != "finished":
        return subject._replace(no_model=f"{folder.name} {_standing(snapshot)}, and has no model")
    name = name_of_result(folder)
    here = bool(catalog.heads(name)) or any(card.full_name == name for card in catalog.cards)
    return subject._replace(model=name if here else "", no_model=f"the model of {folder.name} cannot be read")


def _standing(snapshot: RunSnapshot) -> str:
    return f"has {snapshot.status}" if snapshot.status in ("failed", "crashed") else f"is {snapshot.status}"


def _of_model(card: Card) -> Subject:
    """A model by its card; where a run has made it, with that run."""
    request = training_of(card)
    if request is None:
        return Subject(card.name, model=card.full_name)
    folder = maker_of(card.name)
    return Subject(card.name, model=card.full_name, folder=folder, request=request, snapshot=status.read(folder))
