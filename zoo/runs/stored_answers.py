"""Answers that a model keeps beside its weights, and what another machine says instead.

Other processors multiply integers otherwise, so that a model in 8 bits may answer otherwise there. A model that was
made smaller keeps some inputs with their answers in `stored_answers/`, unless it learnt privately; where it is loaded
for the first time on a machine of another kind, they are asked anew. A difference is worth a word and never an error.

    model/stored_answers/answers.json
                         inputs/1.png ...       of inputs that are files, or have a part that is one
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo import atomic
from zoo.answers import Prediction
from zoo.card import Card
from zoo.devices import cpu_model
from zoo.encoding import encode_json
from zoo.errors import StoreInvalid
from zoo.kinds.input_kind import InputKind
from zoo.paths import cache_folder
from zoo.runs.agreement import difference
from zoo.runs.private_rows import learnt_privately
from zoo.sanitize import error_text, one_line
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor

FOLDER, FILE, INPUTS = "stored_answers", "answers.json", "inputs"
USUAL = 64
"""How many are kept where nobody says."""
MOST_BYTES = 4 << 20
"""Of all inputs that are files."""
TOLERANCE = 0.05
"""By how much a number may differ: of one larger than 1, by that share of it."""


class StoredAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `answers.json`."""

    machine: str
    """Which processor computed them, and in what."""
    task: str
    rows: tuple[dict[str, Any], ...]
    """Each with `input`, which is a name below `inputs/` where it is a file (so is each such part of an input that has
    several), and `answer`."""
    v: int = 1


def usual_number(card: Card) -> int:
    """How many answers a smaller form of a model keeps where nobody says: none where it, or one that it was trained
    from, learnt privately, since rows of the same people stand beside them.

    Args:
        card: of the model that is made smaller.
    """
    return 0 if learnt_privately(card) else USUAL


def store_answers(folder: Path, run: PredictionRun, inputs: Sequence[Any], answers: Sequence[Prediction]) -> int:
    """Keep inputs and what a model says of them, beside its weights, as far as the files among them are no larger than
    `MOST_BYTES` in all.

    Args:
        folder: of the model.
        run: as the model was loaded.
        inputs: some of the rows it was judged by.
        answers: its own, in that order.

    Returns:
        How many are kept.
    """
    place, kind = folder / FOLDER, run.task.input
    rows, room = [], MOST_BYTES
    for number, (value, answer) in enumerate(zip(inputs, answers, strict=True), start=1):
        files = {role: Path(part) for role, part in _file_parts(kind, value).items()}
        if not all(path.is_file() for path in files.values()):
            continue
        size = sum(path.stat().st_size for path in files.values())
        if size > room:
            continue
        room -= size
        names = {role: f"{number}{f'-{role}' if role else ''}{path.suffix.lower()}" for role, path in files.items()}
        for role, path in files.items():
            (place / INPUTS).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place / INPUTS / names[role])
        rows.append({"input": _with_parts(value, names), "answer": answer})
    if rows:
        place.mkdir(exist_ok=True)
        document = {"machine": _machine(run), "task": run.task.name, "rows": rows, "v": 1}
        atomic.write_bytes(place / FILE, encode_json(document) + b"\n")
    return len(rows)


def _file_parts(kind: InputKind, value: Any) -> dict[str, str]:
    """The names of the files of an input, by the role of each; the role of an input that is itself one is empty."""
    if not kind.from_files:
        return {}
    if not isinstance(value, Mapping):
        return {"": str(value)}
    return {role: str(value[role]) for role, part in kind.roles.items() if part.from_files and role in value}


def _with_parts(value: Any, parts: Mapping[str, str]) -> Any:
    """An input with other names of its files."""
    if "" in parts:
        return parts[""]
    return {**value, **parts} if parts else value


def stored_inputs(folder: Path, kind: InputKind) -> list[Any]:
    """Inputs whose answers are kept beside the weights of a model; none where it keeps none.

    Args:
        folder: of the model.
        kind: of its inputs.

    Raises:
        StoreInvalid: what is kept cannot be read.
    """
    path = folder / FOLDER / FILE
    if not path.is_file():
        return []
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=StoredAnswers)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreInvalid(f"{path} cannot be read: {error}", "make the model smaller again") from error
    return [_as_read(kind, row["input"], path.parent / INPUTS) for row in stored.rows]


def compare_stored_answers(run: PredictionRun, predictor: Predictor) -> None:
    """Ask a model what it said on the machine where it was made smaller, once; a word where it says something else.

    Args:
        run: as the model was loaded; is told.
        predictor: that was loaded.
    """
    path = run.weights / FOLDER / FILE
    if not path.is_file():
        return
    try:
        content = path.read_bytes()
        stored = msgspec.json.decode(content, type=StoredAnswers)
        here = _machine(run)
        digest = hashlib.sha256(content + here.encode()).hexdigest()
        compared = cache_folder() / "compared" / digest
        if stored.machine == here or stored.task != run.task.name or compared.exists():
            return
        if said := _differences(stored, run.task, path.parent / INPUTS, predictor):
            run.note(f"{run.card.name} answers otherwise than on {one_line(stored.machine)}: {said}")
        compared.parent.mkdir(parents=True, exist_ok=True)
        compared.touch()
    except Exception as error:  # whatever is wrong with what was kept, the model answers
        run.note(f"the stored answers of {run.card.name} could not be compared: {one_line(error_text(error))}")


def _differences(stored: StoredAnswers, task: Task, inputs: Path, predictor: Predictor) -> str:
    """How many answers differ and by how much; empty where none does."""
    before = [msgspec.convert(row["answer"], task.prediction) for row in stored.rows]
    asked = [_as_read(task.input, row["input"], inputs) for row in stored.rows]
    now = predictor.predict(asked) if asked else []
    apart = [difference(one, other, of_common=True) for one, other in zip(before, now, strict=True)]
    beyond = [one for one in apart if one > TOLERANCE]
    if not beyond:
        return ""
    return f"{len(beyond)} of {len(apart)} stored answers differ by more than {TOLERANCE:g}, at most {max(beyond):.3g}"


def _as_read(kind: InputKind, value: Any, inputs: Path) -> Any:
    """An input as the predictor takes it: of several columns, a tuple where JSON has a list; files where they lie."""
    parts = {role: str(inputs / Path(name).name) for role, name in _file_parts(kind, value).items()}
    return tuple(value) if isinstance(value, list) else _with_parts(value, parts)


def _machine(run: PredictionRun) -> str:
    return f"{cpu_model()}, {run.device} in {run.precision}"
