"""Shadows: models that are trained as the audited one was, each on half of the rows. So it is known of each row how
likely a model holds what the data say of it that has learnt from it, and one that has not.

Carlini et al. 2022, arXiv:2112.03570, section IV: each row is in half of the shadows.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.ability_options import parse_recorded
from zoo.card import Card
from zoo.data.splitting import input_key
from zoo.data.units import keys_of_units
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.metrics.membership import Shadowed
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.privacy import is_private, unit_column
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.auditing.odds import log_odds, prediction_run
from zoo.runs.auditing.rows import AuditRows, protected_column
from zoo.runs.baseline import FINISHED, ignore
from zoo.runs.context import TrainingRun
from zoo.runs.events import Noted, PredictionsWritten, RunPlanned
from zoo.runs.kept_parts import SHADOWS
from zoo.runs.log import read_events
from zoo.runs.preparation import fetch_weights
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import fold
from zoo.runs.store import maker_of
from zoo.tasks import get_task

MOST_TOGETHER = 0.5
"""Of the rows, which may be of one person or have the same input: all of them are in the same half."""
Odds = Sequence[float | None]


@dataclasses.dataclass(frozen=True)
class Shadows:
    """Trains shadows of a model, and asks them about all rows.

    Attributes:
        worker: of the audit.
        plugin: of the model.
        card: of the model that learnt from rows.
        parent: that this model began from.
        training: what the run of the model was asked to do.
        rows: of the audit.
        count: of the shadows.
    """

    worker: Worker
    plugin: Plugin
    card: Card
    parent: Card
    training: RunRequest
    rows: AuditRows
    count: int

    def odds(self, of_target: Odds) -> list[Shadowed | None]:
        """Of each row, members first; None of a row that one of the models does not answer.

        Args:
            of_target: what the audited model says of these rows.

        Raises:
            RunCancelled: somebody asked for it.
        """
        check_divisible(self.rows, self.training)
        halves = [half for pair in range(self.count // 2) for half in halves_of(self.rows, self.training, pair)]
        weights = fetch_weights(self.worker, self.parent)
        answers = [self._answers(number, half, weights) for number, half in enumerate(halves)]
        return [
            _shadowed(target, [(odds[i], half[i]) for odds, half in zip(answers, halves, strict=True)])
            for i, target in enumerate(of_target)
        ]

    def _answers(self, number: int, half: Sequence[bool], weights: Path | None) -> Odds:
        """What one shadow says, which is kept for an attempt to come."""
        folder = self.worker.folder.path / SHADOWS / str(number + 1)
        done, examples = folder / FINISHED, (*self.rows.members, *self.rows.others)
        if not done.exists():
            places = [place for place, is_inside in enumerate(half) if is_inside]
            self.worker.emit(
                Noted(message=f"shadow {number + 1} of {self.count} learns from {counted(len(places), 'row')}")
            )
            self._train(folder, places, weights, number)
            run = prediction_run(self.worker, self.card, weights=folder / "model")
            total, before = len(examples) * (1 + self.count), len(examples) * (1 + number)
            odds = log_odds(
                hooks.load_predictor(self.plugin, run),
                examples,
                self.worker.should_stop,
                lambda rows: self.worker.emit(PredictionsWritten(rows=before + rows, total_rows=total)),
            )
            atomic.write_bytes(done, msgspec.json.encode(odds))
            for left in ("model", "checkpoints", "scratch"):
                shutil.rmtree(folder / left, ignore_errors=True)
        return msgspec.json.decode(done.read_bytes(), type=list[float | None])

    def _train(self, folder: Path, places: Sequence[int], weights: Path | None, number: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        run, training, rows, whose = self.worker, self.training, self.rows.all, self.rows.whose
        learnt = tuple(rows[place] for place in places)
        units = {}
        if whose:  # by the number of a row, and rows of several files may have the same one
            units = {place: whose[id(rows[place])] for place in places}
            learnt = tuple(msgspec.structs.replace(rows[place], row=place) for place in places)
        ability = self.parent.ability("finetune", training.task)
        shadow = TrainingRun(
            card=self.parent,
            task=get_task(training.task),
            weights=weights,
            train=learnt,
            units=units,
            eval=(),
            labels=self.card.labels,
            options=self._options(parse_recorded(ability, training.options), len(learnt), number),
            device=run.device,
            precision=training.precision if _kind(training.device) == _kind(run.device) else "fp32",
            exact=training.requested_precision == "fp32",
            folder=folder,
            emit=ignore,
            should_stop=run.should_stop,
            set_aside=ignore,
        )
        if hooks.fit(self.plugin, "finetune", shadow).cancelled:
            raise RunCancelled("stopped while a shadow learnt", "")

    def _options(self, options: object, rows: int, number: int) -> object:
        """Those of the run, as it was planned; each shadow has a seed of its own, and none is judged meanwhile.

        Each ends at the step whose weights the run kept: later ones would have learnt their rows better than it did. A
        private one draws half as large batches from half of the rows, as it would by itself.
        """
        events = read_events(maker_of(self.card.name))[0]
        plan = next((event for event in reversed(events) if isinstance(event, RunPlanned)), None)
        changes: dict[str, object] = {"seed": (self.training.options.get("seed", 0) + 1 + number) % 2**32}
        if plan is not None:
            batch, micro = min(plan.batch_size, rows), getattr(options, "micro_batch_size", None)
            kept = fold(events).best_step or plan.steps
            changes |= {
                "epochs": plan.epochs * kept / plan.steps or None,
                "lr": plan.lr or None,
                "max_steps": None,
                "patience": None,
            }
            changes |= {} if is_private(options) else {"batch_size": batch}
            changes |= {"micro_batch_size": min(micro, batch)} if micro and not unit_column(options) else {}
        fields = type(options).__struct_fields__  # type: ignore[attr-defined]
        return msgspec.structs.replace(options, **{name: new for name, new in changes.items() if name in fields})  # type: ignore[type-var]


def _kind(device: str) -> str:
    return device.partition(":")[0]


def check_divisible(rows: AuditRows, training: RunRequest) -> None:
    """Insist on rows of which shadows can learn halves.

    Raises:
        DatasetInvalid: nobody knows whose some are, where the run protects people, or too many hang together.
    """
    lost = sum(id(example) not in rows.whose for example in rows.all)
    if protected_column(training) and lost:
        raise DatasetInvalid(
            f"shadows learn as the run did, which protects people, and nobody knows whose {counted(lost, 'row')} are",
            "name data with the column of --unit, or leave --shadows out",
        )
    largest = max(Counter(_groups(rows)).values())
    if largest > len(rows.all) * MOST_TOGETHER:
        raise DatasetInvalid(
            f"{largest:,} of {counted(len(rows.all), 'row')} are of one person or have inputs of one another: there "
            "are no two halves for shadows",
            "leave --shadows out",
        )


def _groups(rows: AuditRows) -> list[bytes]:
    """A key of each row: the same for those that learn together."""
    return keys_of_units(rows.units(rows.all), [input_key(example) for example in rows.all])


def halves_of(rows: AuditRows, training: RunRequest, pair: int) -> tuple[list[bool], list[bool]]:
    """Two halves of the rows, each label in the same share, and rows with the same input or of one person together."""
    examples = rows.all
    target = get_task(training.task).target
    strata = target.strata([example.target for example in examples]) if target else [None] * len(examples)
    of_stratum: dict[Hashable, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    stratum_of: dict[bytes, Hashable] = {}
    for place, key in enumerate(_groups(rows)):
        of_stratum[stratum_of.setdefault(key, strata[place])][key].append(place)
    draw, inside = random.Random(pair), [False] * len(examples)  # noqa: S311  (statistics)
    first = draw.random() < 0.5
    for groups in of_stratum.values():
        for key in draw.sample(sorted(groups), len(groups)):
            first = not first
            for place in groups[key]:
                inside[place] = first
    return inside, [not is_inside for is_inside in inside]


def _shadowed(target: float | None, answers: Sequence[tuple[float | None, bool]]) -> Shadowed | None:
    if target is None or any(odds is None for odds, _ in answers):
        return None
    inside, outside = (
        [odds for odds, is_in in answers if is_in is side and odds is not None] for side in (True, False)
    )
    return Shadowed(target, inside, outside)
