"""The plugins: where models come from, and what is wrong with those that do not load."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from zoo import plugin_list
from zoo.plugins import DisabledPlugin, Plugin, PluginFailure
from zoo.sanitize import one_line
from zoo.tui.commands import command_line
from zoo.tui.page import Page
from zoo.tui.widgets.table import Cell, Column, Table

COLUMNS = (
    Column("name", "PLUGIN", 12),
    Column("distribution", "DISTRIBUTION"),
    Column("version", "VERSION", 10),
    Column("models", "MODELS", 6, right=True),
    Column("hooks", "CAN", 32, dispensable=1),
    Column("import", "IMPORT", 8, right=True),
)
AnyPlugin = Plugin | PluginFailure | DisabledPlugin


class PluginsScreen(Page):
    """The installed plugins."""

    CSS_PATH = "plugins.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "switch", "Enable or disable"),
        Binding("ctrl+r,r", "reload", "Reload"),
        Binding("c", "copy_command", "Copy the command", show=False),
    ]

    def body(self) -> ComposeResult:
        yield Table[AnyPlugin](
            COLUMNS, cells=_cells, key=lambda plugin: plugin.name, id="plugins", empty="asking the plugins"
        )
        with VerticalScroll(id="side", can_focus=False):
            yield Static("", id="detail")

    def on_mount(self) -> None:
        self._table.focus()

    @property
    def _table(self) -> Table[AnyPlugin]:
        return self.query_one("#plugins", Table)

    def show(self) -> None:
        """Those that failed first."""
        feed = self.zoo.feed
        if feed.models_loaded:
            self._table.empty = "no plugin is installed: pip install zoo-bert, or any other"
        self._table.show((*feed.failures, *feed.plugins, *feed.disabled))

    def on_table_moved(self, event: Table.Moved) -> None:
        plugin = self._table.current
        self.query_one("#detail", Static).update(_detail(plugin) if plugin is not None else "")

    def action_switch(self) -> None:
        """Leave a plugin out, or let it take part again; it stays installed."""
        plugin = self._table.current
        if plugin is None:
            return
        name, was_disabled = plugin.name, isinstance(plugin, DisabledPlugin)

        def work() -> None:
            (plugin_list.enable if was_disabled else plugin_list.disable)(name)
            self.zoo.feed.later(self.zoo.feed.reload_models)

        self.zoo.carry_out(work, done=f"{name} takes part again" if was_disabled else f"{name} is left out")

    def action_copy_command(self) -> None:
        """Copy what one would type to take the plugin out."""
        if (plugin := self._table.current) is not None:
            self.zoo.copy(command_line("uninstall", plugin.name))

    def action_reload(self) -> None:
        """Ask the plugins anew."""
        self.zoo.feed.reload_models(anew=True)


def _cells(plugin: AnyPlugin) -> list[Cell]:
    if isinstance(plugin, DisabledPlugin):
        return [(plugin.name, "quiet"), plugin.distribution, plugin.version, "", "", ("disabled", "quiet")]
    if isinstance(plugin, PluginFailure):
        return [(plugin.name, "bad"), plugin.distribution, plugin.version, "", "", ("failed", "bad")]
    return [
        (plugin.name, "warn") if plugin.left_out else plugin.name,
        plugin.distribution,
        plugin.version,
        str(len(plugin.cards)),
        " ".join(hook for hook in plugin.hooks if hook != "cards"),
        f"{plugin.import_ms:.0f} ms",
    ]


def _detail(plugin: AnyPlugin) -> Content:
    if isinstance(plugin, DisabledPlugin):
        return Content.assemble("left out as you wished; its models are hidden. e lets it take part again")
    if isinstance(plugin, PluginFailure):
        return Content.assemble(
            (one_line(plugin.error), "$text-error"),
            "\n\n",
            one_line(plugin.hint),
            "\n\nAll other plugins go on working.",
        )
    names = ", ".join(one_line(card.name) for card in plugin.cards)
    left_out = [
        part
        for task in plugin.left_out
        for part in ((f"\n\ntask {task.name} ({task.distribution}): {task.error}", "$text-warning"), f"\n{task.hint}")
    ]
    return Content.assemble((f"{one_line(plugin.distribution)} {one_line(plugin.version)}\n", "bold"), names, *left_out)
