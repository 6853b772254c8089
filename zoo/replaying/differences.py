"""What is not as it was when a run was made, before it is done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.devices import computing_threads, cpu_model
from zoo.errors import DatasetInvalid, ZooError
from zoo.plugins import load_plugin
from zoo.replaying.data import UNREADABLE, Part
from zoo.replaying.record import RunRecord
from zoo.runs.calibration import read_calibration
from zoo.runs.request import RunRequest
from zoo.runs.versions import relevant_versions
from zoo.tasks import get_task

NOT_RECORDED = "not recorded"
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
    request: RunRequest,
    record: RunRecord,
    card: Card,
    parts: Sequence[Part],
    catalog: Catalog,
    names: Mapping[str, str],
) -> tuple[Difference, ...]:
    """Hold a run as it would be done now against its record, what decides most first.

    Args:
        request: of the replay.
        record: of the run.
        card: of the model that it begins from.
        parts: its data, where they are now.
        catalog: all models.
        names: how data were called, by where they are now, for those that were asked for elsewhere.
    """
    weights = (*_of_weights(record, card), *_of_others(request, catalog), *_of_calibration(request, record, card))
    return (*_of_data(parts, card, names), *weights, *_of_place(request, record), *_of_code(request, record))


def versions_here(request: RunRequest) -> dict[str, str]:
    """The versions that matter to a run, as they are now: of all plugins whose networks are trained in it.

    Args:
        request: of the run.
    """
    plugins = dict.fromkeys((request.plugin, *(student.training.plugin for student in request.students)))
    return {
        name: version
        for plugin in plugins
        for name, version in relevant_versions(load_plugin(plugin).distribution).items()
    }


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


def _of_data(parts: Sequence[Part], card: Card, names: Mapping[str, str]) -> Iterator[Difference]:
    for part in parts:
        now, name = part.digest_now(card), Path(part.path).name
        called = names.get(part.path, name)
        then = f"{called} ({_short(part.sha256)})"
        as_now = _short(now) if called == name else f"{name} ({_short(now)})"
        if not now or now.startswith(UNREADABLE):
            yield Difference(part.what, then, now or "gone", of_data=True, is_gone=True)
        elif part.sha256 and now != part.sha256:
            yield Difference(part.what, then, as_now, of_data=True)
        elif not part.sha256:
            yield Difference(part.what, then, as_now)
        if part.verb == "predict" and get_task(part.task).input.from_files:
            yield Difference(f"content of the files that the {part.what} name", NOT_RECORDED, "taken as it is")


def _of_weights(record: RunRecord, card: Card) -> Iterator[Difference]:
    now = card.weights.digest if card.weights is not None else ""
    if now != record.weights:
        then = _short(record.weights) if record.weights else f"none, or {NOT_RECORDED}"
        yield Difference("weights it begins with", then, _short(now) if now else "none")
    if record.private:
        yield Difference("noise of its private training", "drawn then", "drawn anew, so other bits will come out")


def _of_others(request: RunRequest, catalog: Catalog) -> Iterator[Difference]:
    """Of the other models: teachers, and the networks that are trained in the run."""
    by_name = {card.full_name: card.weights.digest for card in catalog.cards if card.weights is not None}
    for student in request.students:
        then, now = student.training.weights_digest, by_name.get(student.training.model, "")
        if then != now:
            yield Difference(f"weights of {student.name}", _short(then), _short(now) if now else "gone")
    for teacher in (request.teacher, *(source.teacher for source in request.sources)):
        if teacher is not None and teacher.digest != (now := by_name.get(teacher.model, "")):
            yield Difference(f"teacher {teacher.model}", _short(teacher.digest), _short(now) if now else "gone")


def _of_calibration(request: RunRequest, record: RunRecord, card: Card) -> Iterator[Difference]:
    """Of what corrects answers, which can change while the weights do not."""
    if request.verb not in ("evaluate", "predict") or request.calibrate or not get_task(request.task).calibratable:
        return
    calibration = read_calibration(card)
    now = calibration.digest if calibration is not None else ""
    if now != record.calibration:
        then = _short(record.calibration) if record.calibration else "none"
        yield Difference(f"calibration of {card.name}", then, _short(now) if now else "none")


def _of_place(request: RunRequest, record: RunRecord) -> Iterator[Difference]:
    if request.device.partition(":")[0] != record.device.partition(":")[0]:
        yield Difference("device", record.device, request.device)
    if record.processor != (processor := cpu_model()):
        yield Difference("processor", record.processor or NOT_RECORDED, processor)
    threads = computing_threads(request.processes)
    if record.threads != threads:
        yield Difference("threads", NOT_RECORDED if record.threads is None else str(record.threads), str(threads))


def _of_code(request: RunRequest, record: RunRecord) -> Iterator[Difference]:
    now = versions_here(request)
    for name in dict.fromkeys((*record.versions, *now)):
        then, here = record.versions.get(name, "not there"), now.get(name, "not there")
        if then != here and name in record.versions:
            yield Difference(f"version of {name}", then, here)
    if set(record.wrappers) != set(request.wrappers or ()):
        here = ", ".join(request.wrappers or ()) or "none"
        yield Difference("wrapping plugins", ", ".join(record.wrappers) or "none", here)


def _short(digest: str) -> str:
    return f"sha256 {digest[:_DIGITS]}.." if digest else f"sha256 {NOT_RECORDED}"
