"""The form of a training over clients that keep their data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from textual.app import ComposeResult

from zoo.card import Card
from zoo.errors import OptionInvalid, ZooError
from zoo.federated_jobs import OF_ONE_TRAINING, Clients, federated_request
from zoo.file_cache import read_once
from zoo.hyperparameters import FederationOptions
from zoo.jobs import Job
from zoo.options import Option, schema
from zoo.plurals import name_list
from zoo.runs.request import RunRequest
from zoo.tui.preview import DataQuery
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.job_form import JobForm
from zoo.tui.screens.plan import PlanScreen
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import Field, text_field
from zoo.tui.widgets.option_fields import OptionFields


class FederateScreen(JobForm):
    """Train a model on the data of several clients, simulated here."""

    def __init__(self, card: Card) -> None:
        super().__init__(card, "federate", "finetune")

    def advice(self) -> str:
        """What clients are."""
        return (
            "Give a folder that has the data of one client in each of its folders or files; or one file, and below it "
            "the column that tells the rows of clients apart. Ctrl-O lets you choose it."
        )

    def fields(self) -> ComposeResult:
        """Who the clients are, and how they learn together."""
        yield text_field("data", "clients", path=True, help=self.advice())
        yield text_field(
            "by",
            "client column",
            placeholder="of one file with the rows of all",
            help="The column that says whose a row is, where the data of all are in one file.",
        )
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield OptionFields(schema(FederationOptions), title="how clients learn together", id="federation")

    def shown_options(self) -> Sequence[Option]:
        """Without those that rounds decide, and whose a row is: a client is what is protected."""
        return [one for one in super().shown_options() if one.name not in (*OF_ONE_TRAINING, "unit")]

    def data_query(self) -> DataQuery:
        """The data of all, or of the first client."""
        return super().data_query()._replace(of_clients=not self.value("by"))

    def find_fault(self, field: Field) -> ZooError | None:
        if fault := super().find_fault(field):
            return fault
        path = Path(self.value("data")).expanduser()
        if field.field_name != "data" or not self.value("data") or self.value("by"):
            return None
        if path.is_file():
            return OptionInvalid("one file", "name the column that tells its rows apart, or a folder of clients")
        return None

    def changed(self, field: Field) -> None:
        super().changed(field)
        if field.field_name == "by":
            self.look_at_data()

    def _clients(self) -> Clients:
        by = self.value("by")
        return Clients(by=by) if by else Clients(data=self.value("data"))

    def job(self) -> Job:
        job = self.job_of("finetune", self.source())
        if self.value("by"):
            return job
        return msgspec.structs.replace(job, source=msgspec.structs.replace(job.source, data=None))

    def request(self) -> RunRequest:
        with read_once(self.files):
            return federated_request(self.job(), self._clients())

    def flags(self) -> dict[str, object]:
        flags = super().flags()
        if by := self.value("by"):
            return {"data": flags.pop("data"), "by": by, **flags}
        return {"clients": flags.pop("data"), **flags}

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        names = tuple(one.name for one in request.federation.clients) if request.federation else ()
        return [*super().plan(request), ("clients", f"{len(names)}: {name_list(names)}")]

    def question(self, request: RunRequest, title: str, plan: str) -> ConfirmScreen:
        """Find out steps and time meanwhile."""
        return PlanScreen(title, plan, request, self.files)
