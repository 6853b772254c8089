"""What is not as it was when a run was made, before it is done again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.devices import computing_threads, cpu_model
from zoo.errors import DatasetInvalid, ZooError
from zoo.plugins import load_plugin
from zoo.replaying.data import UNREADABLE, Part
from zoo.replaying.record import RunRecord
from zoo.runs.request import RunRequest
from zoo.runs.versions import relevant_versions

_DIGITS = 12
"""Of a digest, as it is shown."""


class Difference(NamedTuple):
    """Something that was otherwise."""

    what: str
    then: str
    now: str
    of_data: bool = False
    """Whether it is of the data: a run on other data is another run, which has to be asked for."""
    is_gone: bool = False
    """Whether there is nothing in its place."""


def differences(
    request: RunRequest, record: RunRecord, card: Card, parts: Sequence[Part], catalog: Catalog
) -> tuple[Difference, ...]:
    """Hold a run as it would be done now against its record, what decides most first.

    Args:
        request: of the replay.
        record: of the run.
        card: of the model that it begins from.
        parts: its data, where they are now.
        catalog: all models.
    """
    weights = (*_of_weights(record, card), *_of_teachers(request, catalog))
    return (*_of_data(parts, card), *weights, *_of_place(request, record), *_of_code(request, record))


def refusal(found: Sequence[Difference], name: str) -> ZooError | None:
    """Why a run cannot be done again as it was; None where it can.

    Args:
        found: what is not as it was.
        name: of the run, as it was typed.
    """
    of_data = [one for one in found if one.of_data]
    if not of_data:
        return None
    words = "; ".join(f"{one.what} was {one.then} and is {one.now}" for one in of_data)
    if any(one.is_gone for one in of_data):
        return DatasetInvalid(
            f"{name} cannot be replayed without its data: {words}",
            f"zoo replay {name} --data FOLDER names the folder that has them now",
        )
    return DatasetInvalid(
        f"the data of {name} have changed: {words}",
        "put them back, or name the folder that has them: --data FOLDER; "
        f"zoo replay {name} --anyway takes them as they are",
    )


def _of_data(parts: Sequence[Part], card: Card) -> Iterator[Difference]:
    for part in parts:
        now = part.digest_now(card)
        then = f"{Path(part.path).name} ({_short(part.sha256)})"
        if not now or now.startswith(UNREADABLE):
            yield Difference(part.what, then, now or "gone", of_data=True, is_gone=True)
        elif part.sha256 and now != part.sha256:
            yield Difference(part.what, then, _short(now), of_data=True)


def _of_weights(record: RunRecord, card: Card) -> Iterator[Difference]:
    now = card.weights.digest if card.weights is not None else ""
    if record.weights and now != record.weights:
        yield Difference("weights it begins with", _short(record.weights), _short(now) if now else "none")
    if record.private:
        yield Difference("noise of its private training", "drawn then", "drawn anew, so other bits will come out")


def _of_teachers(request: RunRequest, catalog: Catalog) -> Iterator[Difference]:
    by_name = {card.full_name: card.weights.digest for card in catalog.cards if card.weights is not None}
    for teacher in (request.teacher, *(source.teacher for source in request.sources)):
        if teacher is not None and teacher.digest != (now := by_name.get(teacher.model, "")):
            yield Difference(f"teacher {teacher.model}", _short(teacher.digest), _short(now) if now else "gone")


def _of_place(request: RunRequest, record: RunRecord) -> Iterator[Difference]:
    if request.device.partition(":")[0] != record.device.partition(":")[0]:
        yield Difference("device", record.device, request.device)
    if record.processor and record.processor != (processor := cpu_model()):
        yield Difference("processor", record.processor, processor)
    threads = computing_threads(request.processes)
    if record.threads is not None and record.threads != threads:
        yield Difference("threads", str(record.threads), str(threads))


def _of_code(request: RunRequest, record: RunRecord) -> Iterator[Difference]:
    now = relevant_versions(load_plugin(request.plugin).distribution)
    for name in dict.fromkeys((*record.versions, *now)):
        then, here = record.versions.get(name, "not there"), now.get(name, "not there")
        if then != here and name in record.versions:
            yield Difference(f"version of {name}", then, here)
    if set(record.wrappers) != set(request.wrappers or ()):
        here = ", ".join(request.wrappers or ()) or "none"
        yield Difference("wrapping plugins", ", ".join(record.wrappers) or "none", here)


def _short(digest: str) -> str:
    return f"sha256 {digest[:_DIGITS]}.." if digest else "sha256 not recorded"
