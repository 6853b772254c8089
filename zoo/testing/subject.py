"""What the tests of the contract are about: one model of one plugin, and runs of it in a store of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

import zoo
from zoo.ability_options import option_set
from zoo.data import load
from zoo.options import parse, schema
from zoo.plugins import load_plugin
from zoo.runs import launcher
from zoo.runs.events import StepCompleted
from zoo.runs.store import RunFolder
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.testing.samples import Samples
from zoo.testing.watched_worker import watched_command

USUAL_OPTIONS = {"seed": 7, "eval_steps": 25}
"""Of a training here. It is not judged once an epoch, as usual: of data so little, an epoch is a step or two."""
LACKS = frozenset({"pretrain", "finetune", "predict", "gradients", "steps", "loss", "sources"})
DEADLINE_S = 240.0
StartRun = Callable[..., zoo.Run]


class Workplace(NamedTuple):
    """Where the trainings of a class of tests happen."""

    here: Path
    """The folder that one happens to be in; empty at first."""
    temporary: Path
    """For temporary files."""
    notes: Path
    """Folder with a file for each run: what code of the plugin wrote, a path a line."""


class Subject:
    """Base of the groups of tests: names the model and makes the runs that they share."""

    plugin: ClassVar[str]
    """Name of the plugin: that of its entry point."""
    model: ClassVar[str]
    """Name of its smallest model; its weights are on this machine, in a package, or there are none."""
    lacks: ClassVar[frozenset[str]] = frozenset()
    """What the model cannot do; see `PluginConformance`."""
    options: ClassVar[dict[str, Any]] = {}
    """Options of its training here, where those it has are too large for a test of seconds."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        """A store of its own for the runs of all these tests, and no other plugin but the one."""
        unknown = cls.lacks - LACKS
        assert not unknown, f"lacks names {', '.join(sorted(unknown))}; it knows {', '.join(sorted(LACKS))}"
        home = tmp_path_factory.mktemp("zoo-home")
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("ZOO_HOME", str(home))
            monkeypatch.setenv("ZOO_PLUGINS", cls.plugin)
            yield home

    @pytest.fixture(autouse=True)
    def at_home(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same store in each test, whatever the fixtures of others have set."""
        monkeypatch.setenv("ZOO_HOME", str(home))
        monkeypatch.setenv("ZOO_PLUGINS", self.plugin)

    @pytest.fixture(scope="class")
    @classmethod
    def card(cls, home: Path) -> zoo.Card:
        """The card of the model."""
        cards = {card.name: card for card in load_plugin(cls.plugin).cards}
        assert cls.model in cards, f"plugin {cls.plugin} has no model {cls.model}; it has {', '.join(cards)}"
        return cards[cls.model]

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls, card: zoo.Card, tmp_path_factory: pytest.TempPathFactory) -> Samples:
        """Little data, easy to learn; texts are no longer than the model surely takes."""
        folder = tmp_path_factory.mktemp("samples")
        max_tokens = card.input.limits().max_tokens if card.input else None
        return Samples(folder, longest=min(96, max(8, max_tokens // 4))) if max_tokens else Samples(folder)

    @pytest.fixture(scope="class")
    @classmethod
    def workplace(cls, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
        """Folders that no other tests share."""
        root = tmp_path_factory.mktemp("workplace")
        places = Workplace(*(root / name for name in Workplace._fields))
        for place in places:
            place.mkdir()
        return places

    @pytest.fixture(scope="class")
    @classmethod
    def train(cls, card: zoo.Card, data: Samples, workplace: Workplace) -> StartRun:
        """Start a training run: fine-tuning, or pretraining where the model has no other; what it writes is noted."""
        verb = cls.training_verb()
        task = cls.task_of(card, verb)
        launch = zoo.finetune if verb == "finetune" else zoo.pretrain
        package = load_plugin(cls.plugin).module.__name__.partition(".")[0]

        def command(folder: RunFolder) -> list[str]:
            return watched_command(workplace.notes / folder.name, workplace.temporary, package, folder.path)

        def start(task: Task = task, **options: Any) -> zoo.Run:
            supported = cls.training_options(card, verb, **options)
            examples = data.labelled(task) if task.target else data.unlabelled(task)
            with pytest.MonkeyPatch.context() as monkeypatch:
                monkeypatch.setattr(launcher, "worker_command", command)
                monkeypatch.chdir(workplace.here)
                return launch(
                    card.full_name,
                    examples,
                    eval_data=examples,
                    task=task.name,
                    device="cpu",
                    precision="fp32",
                    **supported,
                )

        return start

    @pytest.fixture(scope="class")
    @classmethod
    def trained_run(cls, train: StartRun) -> zoo.Run:
        """A training run that has ended well."""
        return train(name="conformance").wait(timeout_s=DEADLINE_S, progress=False)

    @classmethod
    def training_verb(cls) -> str:
        """How the model of these tests is trained; skips the test where it is not at all."""
        if "finetune" not in cls.lacks:
            return "finetune"
        if "pretrain" in cls.lacks:
            pytest.skip(f"{cls.model} is declared to lack finetune, pretrain")
        return "pretrain"

    @classmethod
    def need(cls, *abilities: str) -> None:
        """Skip a test of what the model is declared to lack."""
        missing = sorted(cls.lacks.intersection(abilities))
        if missing:
            pytest.skip(f"{cls.model} is declared to lack {', '.join(missing)}")

    @classmethod
    def check_losses(cls, run: zoo.Run) -> None:
        """The loss of a training falls, unless it is said to report no steps, or none."""
        steps = [event for event in run.events() if isinstance(event, StepCompleted)]
        assert bool(steps) != ("steps" in cls.lacks), "a fit that reports no steps is declared to lack `steps`"
        if steps and "loss" not in cls.lacks:
            first, last = steps[0].loss, steps[-1].loss
            assert first is not None, "the first loss is not finite"
            assert last is not None, "the last loss is not finite"
            assert last < first, "the loss did not fall; a training without any is declared to lack `loss`"

    def run_in_process(
        self,
        card: zoo.Card,
        verb: str,
        data: Samples,
        folder: Path,
        *,
        task: Task | None = None,
        options: Mapping[str, Any] = {},
        **more: Any,
    ) -> zoo.TrainingRun:
        """What a worker would hand to the hook, in this process."""
        from zoo.fetch import fetch

        task = task or self.task_of(card, verb)
        dataset = load(data.labelled(task) if task.target else data.unlabelled(task), task)
        folder.mkdir(parents=True, exist_ok=True)
        of_ability = option_set(card.ability(verb, task.name))
        known = {option.name for option in schema(of_ability)}
        chosen = {**self.training_options(card, verb), **options}
        usual: dict[str, Any] = {"emit": lambda event: None, "should_stop": lambda: False}
        return zoo.TrainingRun(
            card=card,
            task=task,
            weights=fetch(card.weights) if card.weights else None,
            train=dataset.examples,
            eval=(),
            labels=dataset.labels,
            options=parse(of_ability, {name: value for name, value in chosen.items() if name in known}),
            device="cpu",
            precision="fp32",
            folder=folder,
            **usual | more,
        )

    @staticmethod
    def task_of(card: zoo.Card, verb: str) -> Task:
        """What a verb of the model is about."""
        return get_task(card.tasks_of(verb)[0])

    @classmethod
    def training_options(cls, card: zoo.Card, verb: str, **more: Any) -> dict[str, Any]:
        """Options of a training here; of those that every engine-driven model has, only what this one has, too."""
        usual = {option.name for option in schema(zoo.FinetuneOptions)}
        names = {option.name for option in schema(option_set(card.ability(verb, card.tasks_of(verb)[0])))}
        options = USUAL_OPTIONS | cls.options | more
        return {name: value for name, value in options.items() if name in names or name not in usual}
