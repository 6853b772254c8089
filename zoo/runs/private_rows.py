"""Whether rows are private: those of a run that learnt privately, and those of whatever is done with what came of it.

Whoever asks, asks here: reports, bundles, READMEs, answers that are kept beside a model. The answer about the models
that a run comes from is written into its request when it is made, since their runs may be renamed, removed or damaged
later. Where nobody wrote it down they are looked through, and what cannot be known any more counts as private.
"""

from __future__ import annotations

from collections.abc import Iterator

from zoo import hub_models
from zoo.blocks import Boxes, Mask, Picture, Report, Sound, Spans
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.errors import StoreInvalid
from zoo.ranking import is_result
from zoo.runs.request import RunRequest, TeacherRequest
from zoo.runs.store import maker_of


def are_private(request: RunRequest) -> bool:
    """Whether the rows of a run's data are private: no row is shown then, nor what tells whether one is among them.

    Args:
        request: what the run was asked to do.
    """
    return _are_private(request, frozenset())


def learnt_privately(card: Card) -> bool:
    """Whether a model, or one that it was made from, learnt privately, or may have.

    Args:
        card: of the model.
    """
    maker = maker_of(card.name)
    if not maker.request_path.exists():
        return is_result(card) or hub_models.is_private(card)
    try:
        return are_private(maker.request)
    except StoreInvalid:  # the run cannot be asked
        return True


def without_rows(request: RunRequest, report: Report) -> Report:
    """What an evaluation says, as it may be handed on: of private rows without the inputs that it shows.

    Args:
        request: what the run was asked to do.
        report: of it.
    """
    if not are_private(request):
        return report
    return tuple(block for block in report if not isinstance(block, Picture | Boxes | Mask | Sound | Spans))


def _are_private(request: RunRequest, seen: frozenset[str]) -> bool:
    if request.is_private or request.private_before:
        return True
    if any(_are_private(student.training, seen) for student in request.students):
        return True
    if request.private_before is not None:
        return False
    return any(_is_private(model, request, seen) for model in _models_of(request))


def _models_of(request: RunRequest) -> Iterator[str]:
    """The models that a run begins or learns from."""
    yield request.model
    teachers: list[TeacherRequest | None] = [request.teacher, *(source.teacher for source in request.sources)]
    yield from (teacher.model for teacher in teachers if teacher is not None)


def _is_private(model: str, child: RunRequest, seen: frozenset[str]) -> bool:
    """Whether a model learnt privately that a run names which does not say so itself.

    Args:
        model: as the run names it.
        child: of the run.
        seen: models that were looked at already.
    """
    name = model.rpartition("/")[2]
    maker = maker_of(name)
    if name in seen or not maker.request_path.exists():
        return not _comes_with_a_plugin(model)
    try:
        request = maker.request
    except StoreInvalid:
        return True
    if request.created_at > child.created_at > 0:  # another one, which has the name now
        return True
    return _are_private(request, seen | {name})


def _comes_with_a_plugin(model: str) -> bool:
    """Whether a model is none of a run, and says of itself that no private rows are in it, or nothing."""
    cards = [card for card in Catalog.load().cards if model in (card.name, card.full_name)]
    return any(not is_result(card) and not hub_models.is_private(card) for card in cards)
