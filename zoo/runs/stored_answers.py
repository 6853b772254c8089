"""Answers that a model keeps beside its weights, and what another machine says instead.

Other processors multiply integers otherwise, so that a model in 8 bits may answer otherwise there. A model that was
made smaller keeps some inputs with their answers in `stored_answers/`; where it is loaded for the first time on a
machine of another kind, they are asked anew. A difference is worth a word and never an error.

    model/stored_answers/answers.json
                         inputs/1.png ...       of inputs that are files
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo import atomic
from zoo.answers import Prediction, Rejected
from zoo.devices import cpu_model
from zoo.encoding import encode_json
from zoo.paths import cache_folder
from zoo.sanitize import error_text, one_line
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor

FOLDER, FILE = "stored_answers", "answers.json"
MOST = 64
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
    """Each with `input`, which is a name below `inputs/` where it is a file, and `answer`."""
    v: int = 1


def store_answers(folder: Path, run: PredictionRun, inputs: Sequence[Any], answers: Sequence[Prediction]) -> int:
    """Keep some inputs and what a model says of them, beside its weights.

    Args:
        folder: of the model.
        run: as the model was loaded.
        inputs: of the rows it was judged by.
        answers: its own, in that order.

    Returns:
        How many are kept.
    """
    place = folder / FOLDER
    place.mkdir()
    rows, room = [], MOST_BYTES
    for number, (value, answer) in enumerate(zip(inputs[:MOST], answers[:MOST], strict=True), start=1):
        kept = value
        if run.task.input.from_files:
            path = Path(value) if isinstance(value, str) else None
            if path is None or not path.is_file() or path.stat().st_size > room:
                continue
            room -= path.stat().st_size
            kept = f"{number}{path.suffix.lower()}"
            (place / "inputs").mkdir(exist_ok=True)
            shutil.copyfile(path, place / "inputs" / kept)
        rows.append({"input": kept, "answer": answer})
    document = {"machine": _machine(run), "task": run.task.name, "rows": rows, "v": 1}
    atomic.write_bytes(place / FILE, encode_json(document) + b"\n")
    return len(rows)


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
        if said := _differences(stored, run.task, path.parent / "inputs", predictor):
            run.note(f"{run.card.name} answers otherwise than on {one_line(stored.machine)}: {said}")
        compared.parent.mkdir(parents=True, exist_ok=True)
        compared.touch()
    except Exception as error:  # whatever is wrong with what was kept, the model answers
        run.note(f"the stored answers of {run.card.name} could not be compared: {one_line(error_text(error))}")


def _differences(stored: StoredAnswers, task: Task, inputs: Path, predictor: Predictor) -> str:
    """How many answers differ and by how much; empty where none does."""
    before = [msgspec.convert(row["answer"], task.prediction) for row in stored.rows]
    asked = [
        str(inputs / Path(row["input"]).name) if task.input.from_files else _as_read(row["input"])
        for row in stored.rows
    ]
    now = predictor.predict(asked) if asked else []
    apart = [_apart(one, other) for one, other in zip(before, now, strict=True)]
    beyond = [one for one in apart if one > TOLERANCE]
    if not beyond:
        return ""
    return f"{len(beyond)} of {len(apart)} stored answers differ by more than {TOLERANCE:g}, at most {max(beyond):.3g}"


def _apart(one: Prediction, other: Prediction) -> float:
    """By how much two answers differ; of those without numbers, 1 where they are not the same."""
    if isinstance(one, Rejected) or isinstance(other, Rejected):
        return float(type(one) is not type(other))
    first, second = one.numbers(), other.numbers()
    common = first.keys() & second.keys()
    if not common:
        return float(one.cells().prediction != other.cells().prediction)
    return max(abs(first[name] - second[name]) / max(1.0, abs(first[name])) for name in common)


def _as_read(value: Any) -> Any:
    """An input as the predictor takes it: of several columns, a tuple where JSON has a list."""
    return tuple(value) if isinstance(value, list) else value


def _machine(run: PredictionRun) -> str:
    return f"{cpu_model()}, {run.device} in {run.precision}"
