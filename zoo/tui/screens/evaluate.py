"""The form of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.card import Card
from zoo.requesting import evaluation_request
from zoo.runs.request import RunRequest
from zoo.tui.screens.form import BY_NAME, RunForm, merge_labels_field
from zoo.tui.widgets.fields import Field, choice_field, text_field


class EvaluateScreen(RunForm):
    """Judge a model on labelled data."""

    def __init__(self, card: Card) -> None:
        super().__init__(card, "evaluate", card.abilities["predict"])

    def fields(self) -> Iterator[Field]:
        """Data and its columns."""
        kind = self.task_.input
        yield text_field("data", "data", path=True)
        yield choice_field("input", f"{kind} column", [BY_NAME], "", help=f"The column that holds the {kind}.")
        yield choice_field("label", "label column", [BY_NAME], "", help="The column that holds the label.")
        yield merge_labels_field()

    def request(self) -> RunRequest:
        """Check everything; the data is read whole."""
        return evaluation_request(
            self.card.full_name,
            self.value("data"),
            input=self.value("input"),
            label=self.value("label"),
            merge_labels=self.merges_labels,
            name=self.value("name"),
            device=self.value("device"),
            precision=self.value("precision"),
            **self.given_options(),
        )
