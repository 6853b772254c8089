"""The form of a fine-tuning or pretraining."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from zoo.card import Card, Verb
from zoo.data import load, split
from zoo.data.spelling import told_apart
from zoo.requesting import training_request
from zoo.runs.request import RunRequest
from zoo.tui.screens.form import BY_NAME, RunForm, merge_labels_field
from zoo.tui.widgets.fields import Field, choice_field, text_field
from zoo.tui.wording import short_path

SHOWN_LABELS = 8


class TrainScreen(RunForm):
    """Train a model on your data."""

    PATHS: ClassVar[tuple[str, ...]] = ("data", "eval")

    def __init__(self, card: Card, verb: Verb) -> None:
        super().__init__(card, verb, card.abilities[verb])
        self._training: Verb = verb
        self._rows = ""

    def fields(self) -> Iterator[Field]:
        """Data, its columns, and what to evaluate on."""
        kind = self.task_.input
        yield text_field("data", "data", path=True)
        yield text_field(
            "eval",
            "evaluate on",
            placeholder="a share held out",
            path=True,
            help="Evaluation data of its own; without it a share of the rows is held out, see eval share.",
        )
        yield choice_field("input", f"{kind} column", [BY_NAME], "", help=f"The column that holds the {kind}.")
        if self.task_.labelled:
            yield choice_field("label", "label column", [BY_NAME], "", help="The column that holds the label.")
            yield merge_labels_field()

    def request(self) -> RunRequest:
        """Check everything; the data is read whole."""
        request = training_request(
            self._training,
            self.card.full_name,
            self.value("data"),
            eval_data=self.value("eval") or None,
            input=self.value("input"),
            label=self.value("label"),
            merge_labels=self.merges_labels,
            name=self.value("name"),
            device=self.value("device"),
            precision=self.value("precision"),
            **self.given_options(),
        )
        self._rows = self._describe_rows(request)
        return request

    def _describe_rows(self, request: RunRequest) -> str:
        data = load(
            request.data.path,
            self.task_,
            input_column=request.data.input_column,
            label_column=request.data.label_column,
            merge=request.data.merge_labels,
        )
        parts = [f"{len(data.examples):,} usable"]
        if data.rejected:
            parts.append(f"{len(data.rejected):,} set aside")
        if data.labels:
            names = list(told_apart(data.labels).values())
            parts.append(f"{len(names)} classes: {', '.join(names[:8])}" + ("..." if names[8:] else ""))
        if not request.data.eval_path:
            held_out = split(data, request.options["eval_share"], request.options["seed"])[1]
            parts.append(f"{len(held_out):,} held out")
        return ", ".join(parts)

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        options = request.options
        epochs, steps = options.get("epochs"), options.get("max_steps")
        length = f"{steps:,} steps" if steps else f"{epochs:g} epochs" if epochs else "chosen by the number of rows"
        return [
            *super().plan(request),
            ("evaluate on", short_path(request.data.eval_path) if request.data.eval_path else ""),
            ("rows", self._rows),
            ("length", length),
            ("learning rate", str(options.get("lr") or "what the model's authors advise")),
        ]
