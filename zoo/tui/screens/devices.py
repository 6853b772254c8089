"""What can compute here, and what is free."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from zoo.devices import Device, available, choose
from zoo.errors import ZooError
from zoo.sanitize import plain
from zoo.tui.page import Page
from zoo.tui.widgets.table import Cell, Column, Table
from zoo.units import size

COLUMNS = (
    Column("device", "DEVICE", 8),
    Column("what", "WHAT"),
    Column("memory", "MEMORY", 9, right=True),
    Column("free", "FREE", 9, right=True),
    Column("threads", "THREADS", 7, right=True, dispensable=2),
    Column("native", "NATIVE", 16, dispensable=3),
    Column("rates", "GFLOP/S", 22, dispensable=1),
)
LOOK_S = 3.0


class DevicesScreen(Page):
    """What can compute here."""

    CSS_PATH = "devices.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r,r", "measure", "Measure again")]

    def body(self) -> ComposeResult:
        yield Table[Device](
            COLUMNS, cells=_cells, key=lambda device: device.name, id="devices", empty="looking what is here"
        )
        yield Static("", id="side", markup=False)

    def on_mount(self) -> None:
        self.query_one(Table).focus()
        self._look()
        self.set_interval(LOOK_S, self._look)

    def _look(self, *, refresh: bool = False) -> None:
        if self.is_current:
            self.run_worker(
                lambda: self._find(refresh=refresh),
                thread=True,
                group="devices",
                exclusive=refresh,
                exit_on_error=False,
            )

    def _find(self, *, refresh: bool) -> None:
        """In a thread."""
        try:
            devices = available(refresh=refresh)
            placement = choose(devices=devices)
        except ZooError as error:
            failure = error
            self.zoo.feed.later(lambda: self.zoo.show_error(failure))
            return
        notes = [device.note for device in devices if device.note]
        text = f"auto is {placement.device} in {placement.precision}: {placement.reason}"
        self.later(lambda: self._show(devices, "\n".join([text, *notes])))

    def _show(self, devices: tuple[Device, ...], text: str) -> None:
        self.query_one(Table).show(devices)
        self.query_one("#side", Static).update(plain(text))

    def action_measure(self) -> None:
        """Measure again; takes some seconds."""
        self.notify("measuring")
        self._look(refresh=True)


def _cells(device: Device) -> list[Cell]:
    return [
        device.name,
        device.description,
        size(device.memory_bytes),
        "" if device.free_bytes is None else size(device.free_bytes),
        str(device.threads) if device.threads else "",
        " ".join(device.native),
        "  ".join(f"{precision} {rate:,.0f}" for precision, rate in device.rates.items()),
    ]
