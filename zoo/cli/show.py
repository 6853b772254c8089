"""Show one model: figures, sources, options."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import asdict

from zoo.ability_options import option_set, with_all_options
from zoo.card import Ability, Card
from zoo.card_facts import general_facts, metric_facts, weights_facts
from zoo.catalog import Catalog, local_weights, result_of_head
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.option_flags import help_text
from zoo.errors import StoreInvalid, UnknownModel, UnknownRun
from zoo.options import Option, schema
from zoo.plurals import counted
from zoo.ranking import is_result
from zoo.runs.result import OF_ITS_OWN
from zoo.sanitize import one_line

if TYPE_CHECKING:
    from zoo.blocks import Report
    from zoo.runs.overview import SourceCurves


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("model", metavar="MODEL", help="a model or a finished run; zoo ls lists them")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print the card."""
    catalog = Catalog.load()
    if heads := catalog.heads(args.model):
        return _show_heads(heads, as_json=args.json)
    try:
        card = catalog.resolve(args.model)
    except UnknownModel:
        _refuse_run_that_failed(args.model)
        raise
    learning = _learning_of(result_of_head(card) or card.name, card.name) if is_result(card) else None
    if args.json:
        output.emit_json(
            with_all_options(card) if learning is None else {**asdict(with_all_options(card)), **learning.document}
        )
        return ExitCode.OK
    output.line(f"{card.name}: {one_line(card.summary)}")
    output.line()
    here = local_weights(card)
    variant = here.variant if here else ""
    weights = weights_facts(card, local=here is not None, variant=variant, how_to_fetch="zoo pull fetches them")
    for name, value in (*general_facts(card), *metric_facts(card), *weights):
        output.line(f"  {name:<12} {one_line(value)}")
    if learning is not None:
        _show_learning(learning)
    for heading, options in option_groups(card):
        output.line()
        output.line(heading)
        for option in options:
            output.line(f"  {option.flag:<20} {help_text(option).replace('%%', '%')}")
    return ExitCode.OK


def _refuse_run_that_failed(name: str) -> None:
    """Say of a run that has no model why it has none.

    Raises:
        UnknownModel: there is such a run, and it ended badly.
    """
    from zoo.runs import status
    from zoo.runs.store import find

    with contextlib.suppress(UnknownRun, StoreInvalid):
        folder = find(name)
        snapshot = status.read(folder)
        if folder.name == name and snapshot.status in ("failed", "interrupted", "crashed"):
            raise UnknownModel(
                f"run {folder.name} has {snapshot.status} and made no model: {snapshot.error}",
                f"zoo why {folder.name} tells more",
            )


class _Learning(NamedTuple):
    """How a training went, and what its last evaluation says beside its figures."""

    curves: Sequence[SourceCurves] = ()
    report: Report = ()
    of_several: bool = False
    """Whether it learnt from several sources."""

    @property
    def document(self) -> dict[str, Any]:
        """As JSON has it: of each source the loss of the training, and its main metric on held-out rows."""
        each = ((one.source, curve, rows) for one in self.curves for curve, rows in zip(one[1:], _ROWS, strict=True))
        curves = [
            {"source": source, "metric": curve.title, "rows": rows, "points": curve.points}
            for source, curve, rows in each
            if curve.points
        ]
        return {"curves": curves}


_ROWS = ("training", "held out")


def _learning_of(run: str, model: str) -> _Learning:
    """How the training of a model went; of several sources, what came of each.

    Args:
        run: that made the model.
        model: its name, or that of the run where everything that came of it is meant.
    """
    from zoo.runs.log import read_events
    from zoo.runs.overview import curves_by_source, source_table
    from zoo.runs.snapshot import fold
    from zoo.runs.store import maker_of

    folder, head = maker_of(run), model.removeprefix(run).removeprefix(".")
    s = fold(read_events(folder)[0])
    each = curves_by_source(s)
    if source := next((one for one in s.sources if one.name == head.removesuffix(OF_ITS_OWN)), None):
        own = [one for one in each if one.source == source.name]
        return _Learning(own, source.report if source.name == head else (), of_several=True)
    if head and (s.sources or not s.steps or folder.request.head != head):  # it came along from another run
        return _Learning()
    apart = bool(s.sources) and not s.figures_of_all
    return _Learning(each, (source_table(s), *s.report) if apart else s.report, bool(s.sources))


def _show_learning(learning: _Learning) -> None:
    """Draw how a training went, and print its report."""
    from zoo.cli.render import show_curves, show_report
    from zoo.runs.overview import drawn_curves

    if learning.curves and (drawn := [row for row in drawn_curves(learning.curves) if any(one.points for one in row)]):
        output.line()
        show_curves(drawn)
    if learning.report:
        output.line()
        show_report(learning.report, headings=learning.of_several)


def _show_heads(heads: Sequence[Card], *, as_json: bool) -> ExitCode:
    """Print what a result with several heads holds."""
    name = result_of_head(heads[0])
    learning = _learning_of(name, name)
    if as_json:
        output.emit_json({"name": name, "heads": [with_all_options(head) for head in heads], **learning.document})
        return ExitCode.OK
    output.line(f"{name}: {counted(len(heads), 'head')} on one body, each a model")
    output.line()
    rows = [(head.name, head.task, one_line(head.summary)) for head in heads]
    output.table(rows, ("head", "task", "what it is"))
    _show_learning(learning)
    diagnostics.note(f"zoo show {heads[0].name} says more of one")
    return ExitCode.OK


def option_groups(card: Card) -> list[tuple[str, list[Option]]]:
    """The options of a model, each once: under what it is an option of, those that most has in common first."""
    abilities_by_option: dict[Option, list[Ability]] = {}
    for ability in card.abilities:
        for option in schema(option_set(ability)):
            abilities_by_option.setdefault(option, []).append(ability)
    groups: dict[str, list[Option]] = {}
    for option, abilities in abilities_by_option.items():
        groups.setdefault(_heading(card, abilities), []).append(option)
    return list(groups.items())


def _heading(card: Card, abilities: list[Ability]) -> str:
    """What a model does with an option: verbs, each with its tasks unless it is for several and these are all."""
    tasks_by_verb: dict[str, list[str]] = {}
    for ability in abilities:
        tasks_by_verb.setdefault(str(ability.verb), []).append(ability.task)
    return ", ".join(
        verb if 1 < len(tasks) == len(card.tasks_of(verb)) else f"{verb} ({', '.join(tasks)})"
        for verb, tasks in tasks_by_verb.items()
    )
