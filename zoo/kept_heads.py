"""Learning heads of a result on its body as it is: the others come along. Where the body learns, they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from zoo.card import Card
from zoo.errors import OptionInvalid
from zoo.model_choice import ModelChoice, head_name
from zoo.options import Options
from zoo.runs.request import DataRequest, SourceRequest
from zoo.runs.store import training_of
from zoo.sources import check_source_name


def beside_kept(choice: ModelChoice, options: Options) -> dict[str, Any]:
    """What a request says of the heads that stay as they are: those of a result whose body stays as it is.

    Args:
        choice: of the model.
        options: of a training with one source.

    Raises:
        OptionInvalid: the new head has no name, or none that it can have.
    """
    if not choice.others or not _is_frozen(options):
        return {}
    if not choice.head:
        raise OptionInvalid("the new head has no name", "name it, in the place of --data: --source NAME=DATA")
    check_source_name(choice.head, ())
    return {"head": choice.head, "kept": tuple(map(_learnt_from, choice.others))}


def beside_added(choice: ModelChoice, options: Sequence[Options]) -> dict[str, Any]:
    """The same of a training that adds several heads at once.

    Args:
        choice: of the model.
        options: of each source.

    Raises:
        OptionInvalid: one of them is there already, and would begin anew.
    """
    if not any(map(_is_frozen, options)) or not (choice.known or choice.others):
        return {}
    if choice.known:
        result, _, head = choice.known[0].name.rpartition(".")
        raise OptionInvalid(
            f"{head} is a head of {result} already, and several at once are new ones",
            f"learn it further alone (zoo finetune {result} --source {head}=DATA --method head), or call it otherwise",
        )
    return {"kept": tuple(map(_learnt_from, choice.others))}


def _is_frozen(options: Options) -> bool:
    """Whether a training leaves the body as it is."""
    return getattr(options, "method", None) == "head"


def _learnt_from(head: Card) -> SourceRequest:
    """What one of the heads of a result was learnt from."""
    training = training_of(head)
    data = DataRequest(path="") if training is None else training.data
    options = {} if training is None else training.options
    verb: Literal["pretrain", "finetune"] = "pretrain" if training and training.verb == "pretrain" else "finetune"
    return SourceRequest(name=head_name(head), verb=verb, task=head.task, data=data, options=options)


def left_behind(choice: ModelChoice, verb: str, *options: Options) -> list[str]:
    """What is said of the other heads of a result where its body learns on; nothing where they come along.

    Args:
        choice: of the model.
        verb: of the job.
        options: of a training, of each source.
    """
    if verb not in ("finetune", "pretrain") or not choice.others or any(map(_is_frozen, options)):
        return []
    names = ", ".join(head.name for head in choice.others)
    advice = "; --method head leaves the body as it is, and they come along" if options and verb == "finetune" else ""
    return [f"the body learns on, so the result is without {names}{advice}"]
