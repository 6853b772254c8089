"""A comparison in words and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.blocks import Block, Cell, Paragraph, Table
from zoo.comparison.result import ComparedModel, Comparison, DifferingRow, Figure, PairTest
from zoo.plurals import counted
from zoo.units import count, duration, size

SHOWN_ROWS = 10
"""Rows that a view shows of those that are not answered alike."""
SHOWN_TEXT = 60
"""Characters of a text that a table shows."""


def verdict(comparison: Comparison) -> str:
    """What the tests come to, in a sentence."""
    if comparison.untested:
        return f"no test is possible: {comparison.untested}"
    on = f"on {counted(comparison.rows, 'row')}"
    if without := comparison.without_figure:
        lacking = f"{_names(without)} {'has' if len(without) == 1 else 'have'} no {comparison.metric} {on}"
        return f"{lacking}; {_of_those_with_figures(comparison, on)}" if comparison.best else lacking
    return _of_those_with_figures(comparison, on)


def _of_those_with_figures(comparison: Comparison, on: str) -> str:
    tied, best = comparison.tied_with_best, comparison.best
    others = [one.name for one in comparison.models if one.name not in (best, *comparison.without_figure)]
    if not others:
        return f"{best} alone has one"
    if len(tied) < 2:
        return f"{best} is better than {'all others' if len(others) > 1 else others[0]} by {comparison.metric} {on}"
    names = _names(tied)
    said = f"{names} are tied {on}: no test tells their {comparison.metric} apart"
    if not comparison.choice:
        return said
    sizes = {one.name: one.cost.weights_bytes or 0 for one in comparison.models}
    smallest = sizes[comparison.choice]
    if all(sizes[name] == smallest for name in tied):
        return f"{said}, and they are of one size"
    return f"{said}; take the smaller, {comparison.choice} ({size(smallest)})"


def _names(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def blocks(comparison: Comparison) -> tuple[Block, ...]:
    """All of it as views draw it."""
    return tuple(_blocks(comparison))


def _blocks(comparison: Comparison) -> Iterator[Block]:
    yield Paragraph(text=verdict(comparison), tone="strong")
    for note in comparison.notes:
        yield Paragraph(text=note)
    yield figure_table(comparison)
    if comparison.pairs:
        yield test_table(comparison)
    if comparison.differing:
        yield _rows(comparison)
    if comparison.settings:
        yield setting_table(comparison)
    yield cost_table(comparison)


def figure_table(comparison: Comparison) -> Table:
    """The figures of each model, with their intervals."""
    names = tuple(dict.fromkeys(name for one in comparison.models for name in one.metrics))
    if comparison.untested:
        headers, title = ("", *names, "judged on"), "Figures, as recorded"
        rows = tuple(
            (_named(one), *(_figure(one.metrics.get(name)) for name in names), one.judged_on)
            for one in comparison.models
        )
        return Table(title=title, headers=headers, rows=rows)
    rows = tuple((one.name, *(_figure(one.metrics.get(name)) for name in names)) for one in comparison.models)
    title = f"Figures on {counted(comparison.rows, 'row')} of {comparison.data} (95% intervals)"
    return Table(title=title, headers=("", *names), rows=rows)


def _named(one: ComparedModel) -> str:
    """A model, with how its run stands where it has not finished."""
    return one.name if one.status in ("", "finished") else f"{one.name} ({one.status})"


def _figure(one: Figure | None) -> str | None:
    if one is None or one.value is None:
        return None
    return f"{one.value:.4f}" + (f" ({one.low:.4f} to {one.high:.4f})" if one.low is not None else "")


def test_table(comparison: Comparison) -> Table:
    """The test of each pair."""
    corrected = len(comparison.pairs) > 1
    ps = ("p", "p (corrected)") if corrected else ("p",)
    headers = ("", f"difference in {comparison.metric} (95%)", "better on", *ps, "test", "")
    rows = tuple(_test(pair, comparison, corrected=corrected) for pair in comparison.pairs)
    return Table(title="Tests on the same rows", headers=headers, rows=rows)


def _test(pair: PairTest, comparison: Comparison, *, corrected: bool) -> tuple[Cell, ...]:
    interval = f" ({pair.low:+.4f} to {pair.high:+.4f})" if pair.low is not None and pair.high is not None else ""
    difference = None if pair.difference is None else f"{pair.difference:+.4f}{interval}"
    ps = (_p(pair.p), _p(pair.corrected)) if corrected else (_p(pair.p),)
    return (
        f"{pair.first}, {pair.second}",
        difference,
        f"{pair.better_first:,} and {counted(pair.better_second, 'row')}",
        *ps,
        pair.test,
        _told_apart(pair, comparison),
    )


def _told_apart(pair: PairTest, comparison: Comparison) -> str | None:
    """Which of two is better; None where one of them has no figure."""
    if pair.difference is None:
        return None
    better = pair.first if (pair.difference > 0) == comparison.larger_is_better else pair.second
    return "tied" if pair.tied else f"{better} is better"


def _p(value: float | None) -> str | None:
    return None if value is None else "below 0.0001" if value < 0.0001 else f"{value:.4f}"


def _rows(comparison: Comparison) -> Table:
    shown = comparison.differing[:SHOWN_ROWS]
    of = f"{len(shown)} of " if len(shown) < len(comparison.differing) else ""
    title = f"{of}{counted(len(comparison.differing), 'row')} not answered alike"
    headers = ("row", "input", "it is", *(one.name for one in comparison.models))
    return Table(title=title, headers=headers, rows=tuple(map(_row, shown)))


def _row(row: DifferingRow) -> tuple[Cell, ...]:
    return (str(row.row), _cut(row.input), _cut(row.target), *map(_cut, row.answers))


def setting_table(comparison: Comparison) -> Table:
    """What was not the same for all."""
    headers = ("setting", *(one.name for one in comparison.models))
    rows = tuple((one.name, *map(_cut, one.values)) for one in comparison.settings)
    return Table(title="Settings that differ", headers=headers, rows=rows)


def cost_table(comparison: Comparison) -> Table:
    """What each took."""
    headers = ("", "steps", "time", "most memory", "parameters", "weights")
    return Table(title="Cost", headers=headers, rows=tuple(map(_cost, comparison.models)))


def _cost(one: ComparedModel) -> tuple[Cell, ...]:
    cost = one.cost
    return (
        one.name,
        cost.steps,
        None if cost.seconds is None else duration(cost.seconds),
        None if cost.memory_bytes is None else size(cost.memory_bytes),
        None if cost.parameters is None else count(cost.parameters),
        None if cost.weights_bytes is None else size(cost.weights_bytes),
    )


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_TEXT else line[: SHOWN_TEXT - 1] + "…"
