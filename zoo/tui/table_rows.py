"""Rows of the tables of models and of runs."""

from __future__ import annotations

from zoo.card import Card
from zoo.plurals import ordinal
from zoo.ranking import Mark, mark, marked_tasks
from zoo.run_messages import main_figure, main_figures
from zoo.runs.index import RunSummary
from zoo.suggested import SuggestedModel
from zoo.tui.downloads import Download
from zoo.tui.feed import ModelLine, ModelRow
from zoo.tui.tones import STATUS_TONES
from zoo.tui.widgets.table import Cell
from zoo.units import ago, count, size

MARK_TONES: dict[Mark, str] = {"recommended": "good", "from scratch": "quiet", "demonstration": "quiet"}


def model_cells(line: ModelRow, download: Download | None, task: str = "") -> list[Cell]:
    """The row of a model, in the order of the table's columns.

    Args:
        line: of the model, or one to pull.
        download: of its weights.
        task: that the table is about; empty for any.
    """
    if isinstance(line, SuggestedModel):
        parameters = count(line.parameters) if line.parameters is not None else ""
        here = _download_cell(download) or ("to pull", "quiet")
        return [line.repository, "", line.task, "", parameters, "", here, "", "", ""]
    card = line.card
    size_bytes = card.weights.size_bytes if card.weights else None
    return [
        card.name,
        mark_cell(card, task),
        marked_tasks(card),
        card.family,
        count(card.parameters) if card.parameters is not None else "",
        size(size_bytes) if size_bytes is not None else "",
        _here(line, download),
        str(line.runs) if line.runs else "",
        ago(line.used_at),
        card.plugin,
    ]


def mark_cell(card: Card, task: str = "") -> Cell:
    """Whether the model is recommended, from scratch and so on; see `zoo.ranking`."""
    word = mark(card, task)
    return (word, MARK_TONES.get(word, ""))


def _download_cell(download: Download | None) -> Cell | None:
    """How far a download is, or that it ended before it was done; None where there is nothing to say."""
    if download is not None and download.active:
        return (f"{download.share:.0%}" if download.share is not None else "↓", "warn")
    return ("stopped", "bad") if download is not None and download.state in ("stopped", "failed") else None


def _here(line: ModelLine, download: Download | None) -> Cell:
    if (cell := _download_cell(download)) and (download is None or download.active or not line.local):
        return cell
    if line.card.weights is None:
        return ("-", "quiet")
    return (line.variant or "yes", "good") if line.local else ("" if line.local is None else "no", "quiet")


def run_cells(run: RunSummary) -> list[Cell]:
    """The row of a run, in the order of the table's columns."""
    progress = f"{run.step:,}/{run.steps:,}" if run.live and run.steps else (f"{run.step:,}" if run.step else "")
    return [
        run.name,
        run.verb,
        run.model.partition("/")[2] or run.model,
        (_status_text(run), STATUS_TONES.get(run.status, "")),
        progress,
        _metric_cell(run),
        ago(run.created_at),
    ]


def _status_text(run: RunSummary) -> str:
    if run.place is not None:
        return "queued, next" if run.place == 1 else f"queued, {ordinal(run.place)}"
    return f"{run.status} {run.share:.0%}" if run.live and run.share is not None else run.status


def _metric_cell(run: RunSummary) -> str:
    """The main figure; of several sources the value of each, in their order: there is no room for names."""
    if not run.sources:
        return main_figure(run.metrics)
    return ", ".join(f"{value:.3g}" for _, value in main_figures(run.metrics, run.sources))
