"""Runs that did not learn what they should: the loss is no number, nothing or too little was learnt, or too much."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from zoo.diagnosis.finding import Evidence, Finding, Remedy, facts
from zoo.diagnosis.record import Record
from zoo.metrics import SHARES
from zoo.runs.request import TRAINING
from zoo.units import count

HIGH_LR = {"full": 1e-3, "lora": 1e-2, "head": 0.1}
"""From which on a peak learning rate is suspected where little is learnt, by method (AdamW)."""
FAR_TOO_HIGH = 10.0
"""Times that rate: where it alone is evidence enough that it is why nothing was learnt."""
BLOWN_UP = 3.0
"""Times the loss of the first step, which no other cause than too long steps brings about."""
HARDLY_LESS = 0.9
"""Of that loss: what is as good as nothing won in the end."""
MOSTLY_CUT = 0.5
"""Share of inputs that were cut, beside which a rate that is merely high is the smaller suspicion."""
LESS_LR = 0.1
USUAL_LR = {"full": 5e-5, "lora": 5e-4, "head": 2e-3}
"""What is proposed where the rate was not chosen, or was far too high."""
LOW_LR = 0.2
"""Of the usual one."""
LITTLE_TRAINED = 0.1
"""Share of the parameters below which the body is as good as frozen."""
LITTLE_GAIN = 0.3
"""Of what there was to be won beyond the base rate."""
NO_GAP = 0.8
"""Of the loss on held-out rows, from which on that on the rows learnt from is no lower."""
UNDERFITTED = 0.6
"""Of the first loss, what is left of it in the end where little was learnt."""
RISE = 1.3
"""Of the best loss on held-out rows, where the last one is that of a model which remembers rather than learns."""
REMEMBERED = 0.25
"""Of the best loss on held-out rows, where that on the rows learnt from says the same."""
WORTHWHILE = 0.95
"""A figure from which on there is hardly anything to be won."""


def not_a_number(record: Record) -> Finding | None:
    """The loss or the gradient was no number from the first step on, which no learning rate explains."""
    at_once = min(record.skipped) <= 1 if record.skipped else record.first_loss is None  # fp16 skips without a word
    if not at_once or not record.diverged:
        return None
    fp16 = record.snapshot.precision == "fp16"
    remedies = [Remedy(record.inspecting, "looks for values that are far from all others, and rows without content")]
    if record.snapshot.precision != "fp32":
        remedies.insert(0, Remedy(record.again("--precision", "fp32"), "computes with numbers that hold more"))
    where = (
        ": fp16 holds nothing above 65,504" if fp16 else ": the data or the weights hold what cannot be computed with"
    )
    return Finding(
        rule="not-a-number",
        what=f"the loss was no number from the first step on{where}",
        evidence=(*_of_losses(record), *_of_numbers(record)),
        remedies=tuple(remedies),
    )


def learning_rate(record: Record) -> Finding | None:
    """The learning rate was too high: the loss is no number any more, or did not fall, and nothing was learnt."""
    lr, method = record.lr, _method(record)
    if lr is None or record.request.verb not in TRAINING:
        return None
    first, last = record.first_loss, record.last_loss
    diverged = record.diverged
    blown_up = _blown_up(record)
    worse = blown_up or (first is not None and last is not None and last > first)
    high = record.lr_was_chosen and lr >= HIGH_LR[method]
    only_high = lr < FAR_TOO_HIGH * HIGH_LR[method] and record.cut_share >= MOSTLY_CUT  # so that the cut explains more
    useless = (blown_up or (high and not only_high)) and record.is_unlearnt
    if not (diverged or (high and worse) or useless):
        return None
    lower = USUAL_LR[method] if lr * LESS_LR > HIGH_LR[method] or not record.lr_was_chosen else lr * LESS_LR
    lower = min(lower, lr * LESS_LR)
    what = "the loss rose" if worse else "nothing was learnt"
    if diverged:
        what = "the loss diverged: it is no number any more"
    remedies = [Remedy(record.again("--lr", f"{lower:.2g}"), "learns in smaller steps")]
    if record.snapshot.precision == "fp16":
        remedies.append(Remedy(record.again("--precision", "fp32"), "computes with numbers that hold more"))
    if record.request.options.get("max_grad_norm") == 0:
        remedies.append(
            Remedy(record.again("--max-grad-norm", "1"), "scales long gradients down, which was turned off")
        )
    return Finding(
        rule="learning-rate",
        what=f"the learning rate was too high ({lr:g}): {what}",
        evidence=_of_losses(record),
        remedies=tuple(remedies),
    )


def _blown_up(record: Record) -> bool:
    """Whether the loss rose far above that of the first step, and did not come back below it."""
    start, highest, last = record.loss_at_start, record.highest_loss, record.last_loss
    if start is None or highest is None or last is None:
        return False
    return highest > BLOWN_UP * start and last > HARDLY_LESS * start


def frozen_body(record: Record) -> Finding | None:
    """Little was trained, and little was learnt."""
    share, method = record.trained_share, _method(record)
    if share is None or share > LITTLE_TRAINED or method == "full" or not record.is_training:
        return None
    if record.snapshot.status != "finished":  # what ended it says more
        return None
    first, last = record.first_loss, record.last_loss
    underfitted = first is not None and last is not None and last > UNDERFITTED * first
    underfitted = underfitted or (method == "head" and _knows_its_rows_no_better(record))
    untaught = method == "head" and record.card is not None and record.card.weights is None
    if not (_learnt_little(record) and underfitted) and not (untaught and not _is_good(record)):
        return None
    plan = record.snapshot.plan
    assert plan is not None
    remedies = [Remedy(record.again("--method", "full"), "trains all of it")]
    if method == "head":
        remedies.insert(0, Remedy(record.again("--method", "lora"), "trains a small part of each layer, too"))
    if record.lr_was_chosen and record.lr is not None and record.lr < LOW_LR * USUAL_LR[method]:
        faster = record.again("--lr", f"{USUAL_LR[method]:g}")
        remedies.append(Remedy(faster, f"learns faster: {record.lr:g} is little for so few parameters"))
    return Finding(
        rule="frozen-body",
        what=f"too little was trained to learn this: --method {method} leaves the body as it is"
        + (", and it is of random numbers" if untaught else ""),
        evidence=(
            *facts(trained=f"{count(plan.trainable_parameters)} of {count(plan.parameters)} parameters ({share:.1%})"),
            *_of_base_rate(record),
            *_of_losses(record),
        ),
        remedies=tuple(remedies),
    )


def nothing_learnt(record: Record) -> Finding | None:
    """The answers are no better than those of a model that has seen no input: the labels may have been shuffled."""
    if not record.is_training or record.snapshot.status != "finished" or not record.is_unlearnt:
        return None
    first, last = record.first_loss, record.last_loss
    by_heart = first is not None and last is not None and last < UNDERFITTED * first
    why = (
        "the rows were learnt by heart, and say nothing of others: do the labels belong to their rows?"
        if by_heart
        else "do the labels belong to their rows, and do the inputs say anything of them?"
    )
    data = record.request.data.eval_path or record.request.data.path
    return Finding(
        rule="nothing-learnt",
        what=f"nothing was learnt that holds for other rows; {why}",
        evidence=(*_of_base_rate(record), *_of_primary(record), *_of_losses(record), *_of_conflicts(record)),
        remedies=(
            Remedy(record.inspecting, "shows rows with their labels, and labels of the same input that disagree"),
            Remedy(
                shlex.join(["zoo", "evaluate", record.name, "--data", data, "--errors", "wrong.csv"]),
                "writes what is answered wrongly",
            ),
        ),
    )


def overfitted(record: Record) -> Finding | None:
    """The loss on held-out rows rose again while that on the rows learnt from went on falling."""
    losses = [(one.step, one.metrics["loss"]) for one in record.snapshot.evaluations if "loss" in one.metrics]
    last_trained = record.last_loss
    if len(losses) < 3 or last_trained is None or record.request.sources:
        return None
    (best_step, best), (_, last) = min(losses, key=lambda one: one[1]), losses[-1]
    if last < RISE * best or last_trained > REMEMBERED * best or _went_on_improving(record, best_step):
        return None
    if _is_good(record):
        return None
    kept = record.snapshot.best_step
    epochs = record.snapshot.plan.epochs * best_step / max(1, record.snapshot.steps) if record.snapshot.plan else 0.0
    return Finding(
        rule="overfitted",
        what="the model remembers its rows rather than what they have in common",
        evidence=facts(
            loss_on_held_out_rows=f"{best:.3g} at step {best_step:,}, {last:.3g} in the end",
            loss_on_rows_learnt_from=f"{last_trained:.3g} in the end",
            weights_that_were_kept=f"those of step {kept:,}" if kept else None,
            rows_to_train_on=f"{record.snapshot.train_rows:,}",
        ),
        remedies=(
            Remedy(record.again("--epochs", f"{max(1.0, epochs):.2g}"), "ends where it was at its best"),
            Remedy(record.again("--patience", "2"), "stops after two evaluations without a better result"),
            Remedy(record.again("--weight-decay", "0.1"), "holds weights small; more rows would help most"),
        ),
    )


def _went_on_improving(record: Record, step: int) -> bool:
    """Whether answers to held-out rows were better in the end than at a step, however sure of the wrong ones it got."""
    name = record.task.primary_metric
    figures = {one.step: one.metrics[name] for one in record.snapshot.evaluations if name in one.metrics}
    if step not in figures:
        return False
    then, last = figures[step], figures[max(figures)]
    return last > then if record.task.larger_is_better else last < then


def _learnt_little(record: Record) -> bool:
    """Whether less than a third was won of what there was to be won."""
    if record.base_rate is not None:
        return record.base_rate.gain < LITTLE_GAIN
    figure = record.primary
    is_share = figure is not None and figure[0] in SHARES and record.figure_without_input is None
    return (
        record.is_unlearnt
        or record.explained < LITTLE_GAIN
        or (is_share and figure is not None and figure[1] < LITTLE_GAIN)
    )


def _knows_its_rows_no_better(record: Record) -> bool:
    """Whether the rows learnt from are hardly better known than those held out, as what can hold little leaves them."""
    held_out = [one.metrics["loss"] for one in record.snapshot.evaluations if "loss" in one.metrics]
    last = record.last_loss
    return bool(held_out) and last is not None and last > NO_GAP * held_out[-1]


def _is_good(record: Record) -> bool:
    """Whether there is hardly anything to be won any more."""
    figure = record.primary
    is_near_one = figure is not None and record.task.larger_is_better and figure[1] >= WORTHWHILE
    return is_near_one or record.snapshot.latest_metrics.get("r2", 0.0) >= WORTHWHILE


def _method(record: Record) -> str:
    method = record.request.options.get("method")
    return method if method in HIGH_LR else "full"


def _of_losses(record: Record) -> tuple[Evidence, ...]:
    first, last, highest = record.first_loss, record.last_loss, record.highest_loss
    unnumbered = [step.step for step in record.steps if step.loss is None]
    skipped = record.skipped
    if _blown_up(record):
        first = record.loss_at_start
    parts = [f"{first:.3g} at first"] if first is not None else []
    parts += [f"{highest:.3g} at most"] if highest is not None and first is not None and highest > 1.5 * first else []
    parts += [f"{last:.3g} in the end"] if last is not None else []
    return facts(
        loss=", ".join(parts),
        learning_rate=f"{record.lr:g}" + ("" if record.lr_was_chosen else " (as usual)") if record.lr else None,
        longest_gradient=f"{record.highest_norm:.3g}" if record.highest_norm is not None else None,
        first_step_without_a_number=min([*skipped, *unnumbered], default=None),
        steps_that_were_skipped=len(skipped) or None,
    )


def _of_base_rate(record: Record) -> Iterator[Evidence]:
    rate = record.base_rate
    if rate is None:
        return
    yield Evidence("right answers", f"{rate.accuracy:.1%} of {rate.rows:,} held-out rows")
    yield Evidence("the most frequent label alone", f"{rate.base:.1%}")
    matrix = record.confusion
    if rate.answered == 1 and matrix is not None:
        label = next(name for place, name in enumerate(matrix.labels) if any(row[place] for row in matrix.counts))
        yield Evidence("answered to everything", label)


def _of_primary(record: Record) -> tuple[Evidence, ...]:
    if record.base_rate is not None or record.primary is None:
        return ()
    name, value = record.primary
    return (Evidence(name, f"{value:.4f}"),)


def _of_conflicts(record: Record) -> tuple[Evidence, ...]:
    inspection = record.inspection
    conflicts = inspection.train.conflicts.rows if inspection else 0
    return facts(rows_with_another_label_than_the_same_input_before=conflicts or None)


def _of_numbers(record: Record) -> tuple[Evidence, ...]:
    numbers = record.inspection.train.numbers if record.inspection else None
    if numbers is None or not numbers.outliers:
        return ()
    return facts(
        numbers_far_from_all_others=f"{numbers.outliers:,}, the first {numbers.first_outlier:.7g} in row "
        f"{numbers.first_outlier_row}"
    )
