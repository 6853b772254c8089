"""Models and runs in words: what screens, palette and details say of them."""

from __future__ import annotations

from pathlib import Path

from zoo.card import (
    Card,
    FolderSource,
    HubSource,
    ImageInput,
    PackageSource,
    Source,
    TextInput,
    TorchHubSource,
    UrlSource,
)
from zoo.kinds.spelling import told_apart
from zoo.ranking import FROM_SCRATCH, Mark, mark, marked_tasks
from zoo.run_messages import main_figure
from zoo.runs.index import RunSummary
from zoo.sanitize import one_line
from zoo.tui.downloads import Download
from zoo.tui.feed import ModelLine
from zoo.tui.widgets.table import Cell
from zoo.units import ago, bar, count, duration, size

SHOWN_LABELS = 12
BYTES_PER_PARAMETER = {"predict": 4, "finetune": 16}
"""fp32 weights; and with them a gradient and the two moments of AdamW (Kingma and Ba 2014)."""
TONES = {"running": "good", "starting": "good", "failed": "bad", "crashed": "bad", "cancelled": "warn"}

MARK_TONES: dict[Mark, str] = {"recommended": "good", "from scratch": "quiet", "demonstration": "quiet"}


def short_path(path: str) -> str:
    """A path as people write it: from where they are, or from their home."""
    for base, start in ((Path.cwd(), ""), (Path.home(), "~/")):
        if Path(path).is_relative_to(base) and Path(path) != base:
            return one_line(start + str(Path(path).relative_to(base)))
    return one_line(path)


def model_cells(line: ModelLine, download: Download | None, task: str = "") -> list[Cell]:
    """The row of a model, in the order of the table's columns.

    Args:
        line: of the model.
        download: of its weights.
        task: that the table is about; empty for any.
    """
    card = line.card
    known = card.weights.size_bytes if card.weights else None
    return [
        card.name,
        mark_cell(card, task),
        marked_tasks(card),
        count(card.parameters) if card.parameters is not None else "",
        size(known) if known is not None else "",
        _here(line, download),
        str(line.runs) if line.runs else "",
        ago(line.used_at),
        card.plugin,
    ]


def mark_cell(card: Card, task: str = "") -> Cell:
    """Whether the model is recommended, from scratch and so on; see `zoo.ranking`."""
    word = mark(card, task)
    return (word, MARK_TONES.get(word, ""))


def _here(line: ModelLine, download: Download | None) -> Cell:
    if download is not None and download.active:
        return (f"{download.share:.0%}" if download.share is not None else "↓", "warn")
    if download is not None and download.state in ("stopped", "failed") and not line.local:
        return ("stopped", "bad")
    if line.card.weights is None:
        return ("-", "quiet")
    return ("yes", "good") if line.local else ("" if line.local is None else "no", "quiet")


def run_cells(run: RunSummary) -> list[Cell]:
    """The row of a run, in the order of the table's columns."""
    share = run.share
    progress = f"{run.step:,}/{run.steps:,}" if run.live and run.steps else (f"{run.step:,}" if run.step else "")
    return [
        run.name,
        run.verb,
        run.model.partition("/")[2] or run.model,
        (f"{run.status} {share:.0%}" if run.live and share is not None else run.status, TONES.get(run.status, "")),
        progress,
        main_figure(run.metrics),
        ago(run.created_at),
    ]


def download_lines(download: Download) -> list[str]:
    """How a download goes, a line for the whole and one for each file."""
    p = download.progress
    if download.state == "failed" and download.error is not None:
        return [one_line(download.error.message), one_line(download.error.hint)]
    if download.state == "stopped":
        return ["stopped; d goes on where it was"]
    if p is None:
        return ["asking the server"]
    whole = f"{size(p.received_bytes)} received"
    if p.total_bytes:
        whole = f"{bar(p.received_bytes / p.total_bytes)} {size(p.received_bytes)} of {size(p.total_bytes)}"
    if p.bytes_per_s and download.active:
        whole += f"  {size(p.bytes_per_s)}/s"
        if p.total_bytes:
            whole += f"  {duration((p.total_bytes - p.received_bytes) / p.bytes_per_s)} left"
    files = [
        f"{bar(received / total) if total else ''} {size(received)}  {one_line(name)}"
        for name, (received, total) in p.files.items()
    ]
    return [whole, *files] if len(files) > 1 else [whole]


def card_markdown(line: ModelLine, free_bytes: int) -> str:
    """The card as Markdown: what it is, what it needs, where it comes from."""
    card = line.card
    parts = [f"**{_text(card.name)}**", "", _text(card.summary), "", *_facts(line, free_bytes)]
    if card.labels:
        more = f" and {len(card.labels) - SHOWN_LABELS:,} more" if len(card.labels) > SHOWN_LABELS else ""
        parts += [
            "",
            "**Labels** "
            + ", ".join(_text(name) for name in list(told_apart(card.labels).values())[:SHOWN_LABELS])
            + more,
        ]
    if card.metrics:
        parts += ["", "**Published figures**", ""]
        parts += [f"- {_text(m.name)} {m.value:g} on {_text(m.dataset)} ({_text(m.source_url)})" for m in card.metrics]
    if card.weights is not None:
        parts += ["", "**Weights**", ""]
        parts += [f"- {_text(_source(source))}" for source in card.weights.sources]
        parts += [
            f"- {_text(file.name)}, sha256 {file.pin[:16]}..." if file.pin else f"- {_text(file.name)}"
            for file in card.weights.files
        ]
    return "\n".join(parts)


def _facts(line: ModelLine, free_bytes: int) -> list[str]:
    card = line.card
    can = ", ".join(f"{ability.verb} ({ability.task})" for ability in card.abilities)
    shape = ", ".join(f"{name} {value}" for name, value in card.architecture.items())
    known = [
        ("Can", can),
        ("Recommended for", ", ".join(card.recommended_for)),
        ("Mark", f"{mark(card)}: made to try zoo out, not to be used" if card.demonstration else ""),
        ("Parameters", f"{card.parameters:,}" if card.parameters is not None else ""),
        ("Takes", _input(card)),
        ("Memory", _memory(card, free_bytes)),
        ("Here", _place(line)),
        ("Architecture", shape),
        ("Languages", ", ".join(card.languages)),
        ("Licence", card.license),
        ("Paper", card.paper),
        ("Page", card.source_url),
        ("Plugin", card.plugin),
    ]
    return [f"- **{name}** {_text(value)}" for name, value in known if value]


def _input(card: Card) -> str:
    match card.input:
        case TextInput():
            return f"text, up to {card.input.max_tokens} tokens"
        case ImageInput():
            _, height, width = card.input.input_size
            return f"images, seen at {width} x {height}"
        case None:
            return ""


def _memory(card: Card, free_bytes: int) -> str:
    """A lower bound: weights, and what the optimizer keeps; activations come on top."""
    if card.parameters is None:
        return ""
    predict, finetune = (card.parameters * BYTES_PER_PARAMETER[verb] for verb in ("predict", "finetune"))
    enough = "" if finetune < free_bytes else ": not enough to fine-tune all of it"
    return f"{size(predict)} to predict, {size(finetune)} and more to fine-tune; {size(free_bytes)} free{enough}"


def _place(line: ModelLine) -> str:
    if line.card.weights is None:
        return f"nothing: it starts {FROM_SCRATCH}"
    return "on this machine" if line.local else "not yet; d downloads it" if line.local is False else ""


def _source(source: Source) -> str:
    match source:
        case HubSource():
            return f"Hub, {source.repository} at {source.revision[:12]}"
        case UrlSource() | TorchHubSource():
            return source.base_url
        case PackageSource():
            return f"package {source.distribution}"
        case FolderSource():
            return source.path


def _text(value: str) -> str:
    """Text from outside, so that nothing in it is taken for Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in one_line(value))
