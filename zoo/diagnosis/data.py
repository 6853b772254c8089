"""Runs spoilt by their data: one class, rows on both sides, inputs cut short, another column than was meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from zoo.diagnosis.columns import Column
from zoo.diagnosis.finding import Finding, Remedy, facts
from zoo.diagnosis.record import Record
from zoo.kinds.kind import TARGET
from zoo.plurals import counted
from zoo.runs.request import TRAINING
from zoo.units import plain_number

ONE_CLASS = 0.98
"""Share of the rows with the same label from which there is as good as one."""
MUCH_SHARED = 0.02
"""Of the rows evaluated on, the share found among those learnt from from which figures say little."""
PERFECT = 0.9999
MANY_ROWS = 200
"""Held-out rows on which a perfect figure is no luck."""
MUCH_VARIANCE = 0.2
"""Share of the variance of all numbers that one of them makes, from which on it decides what is learnt."""
WELL = 0.9
"""Of what there was to be won: figures from which on it is asked whether the inputs hold the answers."""
GIVEN_AWAY = 0.9
"""Share of the inputs that hold their own label."""
MUCH_CUT = 0.2
"""Share of the inputs that are longer than what is read of them."""
GOOD = 0.5
"""Of what there was to be won beyond the base rate: who has won as much has read enough."""
ID_WORDS, TEXT_WORDS = 1.5, 4.0
"""Mean words of a cell: of what is no text, and of what is one."""
MUCH_LONGER = 2.0
"""Times the words of what was read, from which on another column is what was meant where nothing was learnt."""
ALL_DIFFERENT = 0.5
"""Share of different cells from which a column does not say what rows have in common."""


def one_class(record: Record) -> Finding | None:
    """All rows, or nearly all, have one label."""
    said = "one class only" in record.error or "one label" in record.error
    inspection = record.inspection if record.is_training and not _has_parts(record) else None
    counts = [one for one in inspection.labels if one.rows] if inspection else []
    rows = sum(one.rows for one in counts)
    share = max((one.rows for one in counts), default=0) / rows if rows else 0.0
    number = _one_number(record)
    if not said and (share < ONE_CLASS or not counts) and not number:
        return None
    what = "the rows have one label only" if len(counts) < 2 else "nearly all rows have the same label"
    return Finding(
        rule="one-class",
        what="nearly all rows have the same number" if number else what,
        evidence=facts(
            error=record.error,
            labels=", ".join(f"{one.label} {one.rows:,}" for one in counts[:5]),
            numbers=number,
            column=record.target_column,
        ),
        remedies=(
            Remedy(record.inspecting, "counts the labels"),
            *_other_targets(record),
            *(
                [Remedy(record.again("--class-weights", "auto"), "lets rare labels count for more")]
                if len(counts) > 1 and record.request.verb in TRAINING
                else []
            ),
        ),
    )


def _has_parts(record: Record) -> bool:
    """Whether a row has several parts with a label each, all of which may well have the same."""
    target = record.task.target
    sets = record.inspection.train.label_sets if record.inspection else None
    return target is not None and target.fewest_labels == 1 and sets is None


def _one_number(record: Record) -> str:
    """The number that nearly all rows have that were looked at; empty where they have different ones."""
    part = record.inspection.train if record.is_training and record.inspection else None
    target = record.columns.get(record.target_column)
    if part is None or part.numbers is None or target is None or target.most[1] < ONE_CLASS * target.cells:
        return ""
    return f"{target.most[0]} in {target.most[1]:,} of {target.cells:,} rows"


def far_numbers(record: Record) -> Finding | None:
    """Few numbers that are far from all others have spoilt what was learnt of all."""
    numbers = record.inspection.train.numbers if record.is_training and record.inspection else None
    if numbers is None or not numbers.outliers or not (record.diverged or record.explained < GOOD):
        return None
    farthest = max(numbers.largest - numbers.mean, numbers.mean - numbers.smallest)
    if (farthest / numbers.std) ** 2 < MUCH_VARIANCE * record.rows_to_learn:
        return None
    low, high = map(plain_number, numbers.middle)
    return Finding(
        rule="far-numbers",
        what=f"{counted(numbers.outliers, 'number')} to learn from {'are' if numbers.outliers > 1 else 'is'} far from "
        "all others, as slips are, and spoiled what was learnt of all",
        evidence=facts(
            the_first=f"{numbers.first_outlier:.7g} in row {numbers.first_outlier_row:,}",
            half_of_all_lie=f"between {low} and {high}",
            explained=f"r2 {record.explained:.4f}" if "r2" in record.snapshot.latest_metrics else None,
            column=record.target_column,
        ),
        remedies=(Remedy(record.inspecting, "names the row; mend it or leave it out, and train again"),),
    )


def leak(record: Record) -> Finding | None:
    """What is evaluated on was known: rows of both sides, or inputs that hold their answer."""
    if not record.is_training:
        return None
    inspection = record.inspection
    evaluation = inspection.eval if inspection else None
    shared = inspection.overlap.rows if inspection else 0
    usable = evaluation.rows - evaluation.rejected_rows if evaluation else 0
    on_both_sides = usable > 0 and shared >= max(1, MUCH_SHARED * usable)
    figure, evaluations = record.primary, record.snapshot.evaluations
    is_perfect = figure is not None and record.task.larger_is_better and figure[1] >= PERFECT
    at_once = is_perfect and bool(evaluations) and evaluations[0].metrics.get(figure[0] if figure else "", 0) >= PERFECT
    given_away = record.inputs_with_label if is_perfect or _is_well_learnt(record) else 0.0
    by_figure = at_once and record.snapshot.eval_rows >= MANY_ROWS
    if not (on_both_sides or given_away >= GIVEN_AWAY or by_figure):
        return None
    if on_both_sides:
        what = "rows that are evaluated on are among those learnt from: figures say how well they are remembered"
    elif given_away >= GIVEN_AWAY:
        what = "the inputs hold their own label, which is all that was learnt"
    else:
        what = (
            "every held-out row is right at the first look, which is too good to be true: the inputs may give it away"
        )
    remedies: tuple[Remedy, ...]
    if on_both_sides:
        apart = shlex.join(["zoo", "finetune", record.request.model, "--data", record.request.data.path])
        remedies = (
            Remedy(record.inspecting, "names the rows on both sides"),
            Remedy(apart, "holds rows out, the same input never on both sides"),
        )
    else:
        remedies = (Remedy(record.inspecting, "shows rows: look for what gives them away, and leave it out"),)
    return Finding(
        rule="leak",
        what=what,
        evidence=facts(
            rows_on_both_sides=f"{shared:,} of {usable:,} evaluated on" if on_both_sides else None,
            inputs_that_hold_their_label=f"{given_away:.0%}" if given_away >= GIVEN_AWAY else None,
            figure=f"{figure[0]} {figure[1]:.4f}" if figure else None,
            at_step=f"{evaluations[0].step:,}, the first evaluation" if at_once else None,
        ),
        remedies=remedies,
    )


def _is_well_learnt(record: Record) -> bool:
    if record.base_rate is not None:
        return record.base_rate.gain >= WELL
    metrics = record.snapshot.latest_metrics
    return (
        metrics.get("r2", metrics.get(record.task.primary_metric, 0.0) if record.task.larger_is_better else 0.0) >= WELL
    )


def inputs_cut(record: Record) -> Finding | None:
    """Much of the inputs was not read, though it could have been, or too little was learnt of what was read."""
    if record.request.verb != "finetune" or record.request.sources or record.card is None:
        return None
    part = record.inspection.train if record.inspection else None
    lengths = part.lengths if part else None
    limit = record.request.options.get("max_tokens") or (lengths.max_tokens if lengths else None)
    if lengths is None or limit is None:
        return None
    share = lengths.truncated_share
    most = getattr(record.card.input, "max_tokens", None)
    was_chosen = record.request.changed_options.get("max_tokens") is not None and (most is None or limit < most)
    rate = record.base_rate
    learnt_little = rate.gain < GOOD if rate is not None else record.explained < GOOD
    if record.cut_share < MUCH_CUT or not (was_chosen or learnt_little):
        return None
    longer = min(most or lengths.p99, max(2 * limit, lengths.p90))
    remedies = [Remedy(record.again("--max-tokens", str(longer)), "reads more of each input")] if longer > limit else []
    return Finding(
        rule="inputs-cut",
        what=f"inputs were cut after {limit:,} tokens, and what tells them apart may stand behind",
        evidence=facts(
            longer_than_that=f"{share:.0%} of the inputs" if share is not None else None,
            length=f"half of them up to {lengths.p50:,} {lengths.unit}, 90% up to {lengths.p90:,}",
            the_model_could_read=f"{most:,} tokens" if most else None,
        ),
        remedies=(*remedies, Remedy(record.inspecting, "measures how long the inputs are")),
    )


def wrong_column(record: Record) -> Finding | None:
    """A column that was used does not hold what it was used for."""
    if not record.is_training or not record.columns:
        return None
    used, columns = record.used_columns, record.columns
    target = columns.get(used.get(TARGET, ""))
    inspection = record.inspection
    labels = [one for one in inspection.labels if one.rows] if inspection else []
    rows = sum(one.rows for one in labels)
    if target is not None and labels and len(labels) > ALL_DIFFERENT * rows and rows > 8:
        return Finding(
            rule="wrong-column",
            what=f"column {target.name} holds hardly a label twice, so that rows have nothing in common",
            evidence=facts(labels=f"{len(labels):,} different ones on {rows:,} rows", columns=", ".join(columns)),
            remedies=(*_other_targets(record), Remedy(record.inspecting, "counts the labels")),
        )
    if target is not None and target.counts_rows:
        return Finding(
            rule="wrong-column",
            what=f"column {target.name} numbers the rows, which says nothing of them",
            evidence=facts(
                numbers=f"each is one more than that before it, {target.cells:,} times", columns=", ".join(columns)
            ),
            remedies=(*_other_targets(record), Remedy(record.inspecting, "shows all columns")),
        )
    inputs = [columns[name] for role, name in used.items() if role != TARGET and name in columns]
    longest = max((one.words for one in inputs), default=0.0)
    if not inputs or (longest > ID_WORDS and not record.is_unlearnt):
        return None
    texts = [
        one
        for one in _unused(record)
        if one.words >= max(TEXT_WORDS, MUCH_LONGER * longest) and one.different > ALL_DIFFERENT * one.cells
    ]
    if not texts:
        return None
    best = max(texts, key=lambda one: one.words)
    return Finding(
        rule="wrong-column",
        what=f"column {inputs[0].name} was read as the input, and column {best.name} looks like it",
        evidence=facts(
            words_in_a_cell=f"{inputs[0].words:.1f} in {inputs[0].name}, {best.words:.1f} in {best.name}",
            columns=", ".join(columns),
        ),
        remedies=(Remedy(record.again("--input", best.name), f"reads column {best.name}"),),
    )


def _other_targets(record: Record) -> Iterator[Remedy]:
    """Columns that say what rows have in common, and could hold what was to be learnt; none of a sweep."""
    for one in _unused(record) if record.request.verb != "sweep" else ():
        if 2 <= one.different <= ALL_DIFFERENT * one.cells and one.words < TEXT_WORDS:
            yield Remedy(
                record.again("--label", one.name),
                f"learns column {one.name}, which has {one.different} different values",
            )


def _unused(record: Record) -> list[Column]:
    used = set(record.used_columns.values())
    return [one for one in record.columns.values() if one.name not in used]
