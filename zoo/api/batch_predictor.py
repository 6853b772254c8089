"""A model as one callable from columns to columns, for engines that spread batches over processes and machines."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.abilities import predict_options
from zoo.answers import Rejected
from zoo.api.model import Model, load
from zoo.api.model_names import name_of_finished
from zoo.catalog import Catalog
from zoo.data.columns import columns_called
from zoo.encoding import encode_json
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.kinds.kind import Unusable, is_empty
from zoo.model_choice import choose_model
from zoo.plurals import name_list
from zoo.tasks import get_task

if TYPE_CHECKING:
    from zoo.answers import Prediction
    from zoo.api.run import Run
    from zoo.kinds import InputKind
    from zoo.tasks.task import Task

_LOADING = threading.Lock()
"""A process loads a model once, whichever of its threads asks first."""
_KEPT = 4
"""Models that a process keeps."""


class BatchPredictor:
    """A model that answers batches: a dict of columns in, a dict of columns out.

    It can be pickled: what travels is the name and how to load it. Each process loads the model at its first batch, and
    once, however many predictors of the same settings it is given; so the run or the weights that the name stands for
    have to be there, on a shared disk or by the Hub.

        dataset.map_batches(zoo.BatchPredictor("mood"), batch_size=512)  # Ray Data

    Args:
        name: of a card or of a finished run; or a run that has finished.
        columns: names of the columns of the inputs by their roles; `{"input": "review"}` for most tasks. Those that the
            model was trained on and the usual ones are found by themselves.
        whole: give the whole answer, too, as a dict in a column `answer`: of a classifier, all labels and how probable
            they are.
        task: what it shall answer; needed only where it knows several.
        device: as for `load`; chosen in the process that loads it.
        precision: likewise.
        **options: of the model's predict ability.

    Raises:
        UnknownModel: there is none of that name, or it has several heads that may be meant.
        Unsupported: it has nothing to predict with.
        OptionInvalid: an option is none of its own or out of bounds, or a role is none of its inputs'.
    """

    def __init__(
        self,
        name: str | Run,
        *,
        columns: Mapping[str, str] | None = None,
        whole: bool = False,
        task: str = "",
        device: str = "auto",
        precision: str = "auto",
        **options: Any,
    ) -> None:
        name = name_of_finished(name)
        card = choose_model(Catalog.load(), name, "predict", task).card
        ability, _ = predict_options(card, task, options, beside=load.__kwdefaults__ or ())
        self._columns = dict(columns or {})
        _check_roles(self._columns, get_task(ability.task))
        self._whole = whole
        loading = {"name": name, "task": task, "device": device, "precision": precision, **options}
        self._loading = encode_json(loading).decode()
        self._weights = card.weights.digest if card.weights else ""

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the rows of a batch.

        Args:
            batch: columns by their names, each of as many values: lists, arrays, or those of a data frame or a table
                of pyarrow.

        Returns:
            The same columns, and lists of as many values in the same order: `prediction`, the answer as a table has it;
            `probability`, None where such answers have none; `rejected`, why a row was not answered, None where it was.
            A column of the batch with one of these names is called `input_NAME`.

        Raises:
            DatasetInvalid: the batch lacks a column, or its columns differ in length.
            Unsupported: the name stands for other weights here than where this was made.
        """
        model = _shared_model(self._loading, self._weights)
        columns = {str(name): batch[name] for name in getattr(batch, "column_names", None) or batch.keys()}
        input_columns = _input_columns(model, columns, self._columns)
        _check_lengths(columns)
        predictions = _predict(model, input_columns, [_values(columns[name]) for name in input_columns.values()])
        answers = _answer_columns(predictions, whole=self._whole)
        return {_free_name(name, columns, answers): column for name, column in columns.items()} | answers

    def __repr__(self) -> str:
        """How it is made."""
        return f"BatchPredictor({self._loading})"


def _shared_model(loading: str, weights: str) -> Model:
    with _LOADING:
        return _load(loading, weights)


@lru_cache(maxsize=_KEPT)
def _load(loading: str, weights: str) -> Model:
    model = load(**msgspec.json.decode(loading))
    if model.card.weights and model.card.weights.digest != weights:
        raise Unsupported(
            f"{model.card.name} has other weights here than where its predictor was made",
            "make the predictor anew where it is used, or bring the same weights here",
        )
    return model


def _check_roles(columns: Mapping[str, str], task: Task) -> None:
    roles = tuple(task.input.roles)
    unknown = next((role for role in columns if role not in roles), None)
    if unknown is not None:
        raise OptionInvalid(
            f"columns names a column for {unknown!r}, which inputs of {task.name} do not have",
            f"they have {name_list(roles)}",
        )


def _input_columns(model: Model, columns: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """The columns of the inputs, by role.

    Args:
        model: that answers.
        columns: of the batch.
        names: of columns that a person says, by role.
    """
    input_columns: dict[str, str] = {}
    for role in model.task.input.roles:
        usual = filter(None, (model.card.columns.get(role), *model.task.usual_columns(role)))
        candidates = (names[role],) if role in names else tuple(dict.fromkeys(usual))
        column = next((column for name in candidates for column in columns_called(name, columns)), None)
        if column is None:
            raise DatasetInvalid(
                f"the batch has no column {' or '.join(candidates)}; columns found: {name_list(tuple(columns))}",
                f"say which holds the inputs: columns={{{role!r}: NAME}}",
            )
        input_columns[role] = column
    return input_columns


def _check_lengths(columns: Mapping[str, Any]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{length} ({name})" for name, length in lengths.items())
        raise DatasetInvalid(f"the columns of the batch have {counts} rows", "give as many values in each")


def _values(column: Any) -> list[Any]:
    """Those of a list, an array, a series or a column of pyarrow; numbers and texts are those of Python."""
    if hasattr(column, "to_pylist"):
        return list(column.to_pylist())
    return list(column.tolist() if getattr(column, "ndim", 0) == 1 else column)


def _predict(model: Model, columns: Mapping[str, str], values: Sequence[Sequence[Any]]) -> list[Prediction]:
    """An answer for each row, in order; what is no input is rejected in its place.

    Args:
        model: that answers.
        columns: of the inputs, by role.
        values: of each of these columns.
    """
    inputs: list[Any] = []
    for cells in zip(*values, strict=True):
        try:
            inputs.append(_input_of(model.task.input, columns, cells))
        except Unusable as unusable:
            inputs.append(Rejected(str(unusable)))
    answers = iter(model.predict([value for value in inputs if not isinstance(value, Rejected)]))
    return [value if isinstance(value, Rejected) else next(answers) for value in inputs]


def _input_of(kind: InputKind, columns: Mapping[str, str], cells: Sequence[Any]) -> Any:
    """The input of a row: as a file would have it where its cells are texts or empty, else as Python holds it."""
    parts = [
        of_role.read(cell, columns[role], Path.cwd())
        if isinstance(cell, str) or is_empty(cell)
        else of_role.from_python(cell)
        for (role, of_role), cell in zip(kind.roles.items(), cells, strict=True)
    ]
    return kind.joined(parts)


def _answer_columns(predictions: Sequence[Prediction], *, whole: bool) -> dict[str, list[Any]]:
    cells = [prediction.cells() for prediction in predictions]
    columns: dict[str, list[Any]] = {
        "prediction": [None if cell.rejected else cell.prediction for cell in cells],
        "probability": [cell.probability for cell in cells],
        "rejected": [cell.rejected or None for cell in cells],
    }
    if whole:
        columns["answer"] = [msgspec.to_builtins(prediction, enc_hook=str) for prediction in predictions]
    return columns


def _free_name(name: str, columns: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    """The name of a column of the batch beside those of the answers."""
    free = name
    while free in answers or (free != name and free in columns):
        free = f"input_{free}"
    return free
