"""How private a training is to be: its budget, as a person gives it in one text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import msgspec

from zoo.errors import OptionInvalid, Unsupported
from zoo.options import Options, to_dict

USUAL_CLIP = 0.1
"""Small ones do best where language models are fine-tuned (Li et al. 2022, arXiv:2110.05679, section 3.1)."""
UNITS_A_DELTA = 10
"""Usual delta: one over this times what is protected."""
LARGEST_EPSILON = 100.0
SMALLEST_EPSILON = 0.1
USUAL_CLIENT_CLIP = 0.5
"""Of what a client changes in a round: about what a head on a frozen body moves in a pass over some dozens of rows."""
ROW = "row"
"""What `--unit` says where each row is protected by itself."""
_SYNTAX = "eps=8, eps=8,delta=1e-5 or eps=8,delta=1e-5,clip=0.1"


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """A budget of differential privacy (Dwork and Roth 2014, definition 2.4), and how gradients are bounded for it."""

    epsilon: float
    """Most that may be spent in the whole run."""
    delta: float | None = None
    """Probability that more is lost; None for a tenth of one over the number of rows."""
    clip: float = USUAL_CLIP
    """Largest L2 norm of the gradient of one row, or of what one client changes in a round."""


def read_privacy(text: str, usual_clip: float = USUAL_CLIP) -> Privacy | None:
    """Read `eps=8,delta=1e-5,clip=0.1`, of which eps alone is needed; None where the text is empty.

    Args:
        text: as typed.
        usual_clip: where it says none.

    Raises:
        OptionInvalid: it says something else, or a number is out of bounds.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        return None
    values: dict[str, float] = {}
    for part in parts:
        key, equals, number = part.rpartition("=")
        name = _NAMES.get(key.strip().lower() if equals else "eps", "")
        value = _number(number)
        if not name or value is None:
            raise OptionInvalid(f"--private has {part!r}, which cannot be read", f"it takes {_SYNTAX}")
        if name in values:
            raise OptionInvalid(f"--private says {name} twice", "say it once")
        words, allowed = _BOUNDS[name]
        if not allowed(value):
            raise OptionInvalid(f"--private has {name} {number.strip()}, but takes {words}", f"such as {_SYNTAX}")
        values[name] = value
    if "epsilon" not in values:
        raise OptionInvalid(f"--private {text!r} does not say eps, the budget", f"it takes {_SYNTAX}")
    return Privacy(**{"clip": usual_clip, **values})


def is_private(options: Any) -> bool:
    """Whether options of a training ask for privacy; those of a pretraining have no such field."""
    return bool(_budget(options))


def privacy_of(options: Any, usual_clip: float = USUAL_CLIP) -> Privacy | None:
    """What options of a training ask for, with a clip where they name none; None where it is not private."""
    return read_privacy(_budget(options), usual_clip)


def delta_of(privacy: Privacy, units: int, of: str = "rows") -> float:
    """Probability that more is lost than the budget says, which is to be far from that of one unit's turn.

    Args:
        privacy: that is asked for.
        units: how many are protected.
        of: what they are, in the plural.

    Raises:
        OptionInvalid: the one asked for is too large.
    """
    usual = 1 / (UNITS_A_DELTA * units)
    if privacy.delta is not None and privacy.delta >= 1 / units:
        raise OptionInvalid(
            f"--private has delta {privacy.delta:g}, with which whole {of} could be told: there are {units:,}",
            f"a delta below one over that; without it, it is {usual:.1g}",
        )
    return usual if privacy.delta is None else privacy.delta


def rows_are_units(options: Any) -> bool:
    """Whether a person says that each row is somebody else's."""
    return getattr(options, "unit", "") == ROW


def unit_column(options: Any) -> str:
    """The column that says whose a row is, of a private training; empty where each row is protected by itself."""
    return "" if rows_are_units(options) or not is_private(options) else getattr(options, "unit", "")


def _budget(options: Any) -> str:
    return getattr(options, "private", "")


def check_private_options(options: Options) -> None:
    """Refuse what cannot be done privately, or is not done.

    Raises:
        OptionInvalid: it is asked for.
    """
    values: dict[str, Any] = to_dict(options)
    if values.get("patience") is not None:
        raise OptionInvalid(
            "--patience ends a training by the rows held out, which --private would have to account for",
            "leave it out: the weights of the last step are kept",
        )
    if values.get("max_grad_norm") != _usual(options, "max_grad_norm"):
        raise OptionInvalid(
            "--max-grad-norm is of the gradient of a batch; --private shortens what each row, or each client, does",
            "say --private eps=8,clip=0.1",
        )
    if values.get("class_weights") == "auto":
        raise OptionInvalid(
            "--class-weights auto counts the rows of each class, which --private would have to account for",
            "name the weights: name=weight,name=weight",
        )


def check_private_job(
    options: Sequence[Options], model: str, pretrained: bool, teacher: str, processes: int, precision: str
) -> None:
    """Refuse a private job that cannot be one, before there is a run.

    Args:
        options: of each source.
        model: that is to learn.
        pretrained: whether it has weights.
        teacher: whose answers are learnt, too; empty for none.
        processes: that share the work.
        precision: that it computes in.

    Raises:
        Unsupported: it is one of those, or what counts the budget is not installed.
    """
    if not any(map(is_private, options)):
        return
    if len(options) > 1:
        raise Unsupported(
            "--private protects the rows of one source, and there are several", "learn them privately one by one"
        )
    if teacher:
        raise Unsupported(
            "--private does not protect what a teacher says of rows, and --teacher asks one", "leave one of them out"
        )
    if not pretrained:
        raise Unsupported(
            f"{model} begins from random numbers, and learns next to nothing privately",
            "choose a model with weights, or pretrain it on public data first: zoo ls shows which have some",
        )
    if processes > 1:
        raise Unsupported(
            "--private computes in one process, which draws the rows of a step and adds its noise once",
            "leave --processes out; a larger --micro-batch-size uses all of one device",
        )
    if precision == "fp16":
        raise Unsupported("--private is not computed in fp16, whose losses are scaled", "use --precision fp32")
    if find_spec("opacus") is None:
        raise Unsupported(
            "--private counts what is spent with Opacus, which is not installed", "pip install 'zoo-models[private]'"
        )


def _usual(options: Options, name: str) -> Any:
    return next(field.default for field in msgspec.structs.fields(type(options)) if field.name == name)


_NAMES = {"eps": "epsilon", "epsilon": "epsilon", "delta": "delta", "clip": "clip"}
_BOUNDS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "epsilon": (
        f"a number from {SMALLEST_EPSILON:g} to {LARGEST_EPSILON:g}",
        lambda value: SMALLEST_EPSILON <= value <= LARGEST_EPSILON,
    ),
    "delta": ("a number between 0 and 1, below one over the number of rows", lambda value: 0 < value < 1),
    "clip": ("a number above 0", lambda value: value > 0),
}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
