"""What a task is: what goes in, which columns a data set needs, what comes out and how it is judged."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

import msgspec

from zoo.answers import Answer, BaseAnswer, CalibratableAnswer, Rejected
from zoo.errors import PluginBroken
from zoo.kinds.input_kind import InputKind
from zoo.kinds.kind import INPUT, TARGET, Kind
from zoo.kinds.target_kind import TargetKind
from zoo.options import Options

if TYPE_CHECKING:
    from zoo.metrics import Judge

JUDGE_HINT = "Task.judge is MODULE:CLASS, such as zoo.metrics:ClassificationMetrics"
POOLED, TOKENS, CAUSAL, LEVELS, FRAMES = (
    frozenset({part}) for part in ("pooled", "tokens", "causal", "levels", "frames")
)
"""What bodies provide."""
TABLES = ("CSV", "TSV", "JSON lines", "Parquet")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task and everything in zoo that depends on it."""

    name: str
    """That of the Hugging Face pipeline, where there is one."""
    summary: str
    """What is asked of a model, in a few words."""
    input: InputKind
    """What one example is."""
    target: TargetKind | None = None
    """What is to be learnt of it; None where training data need no more than the inputs."""
    columns: dict[str, tuple[str, ...]] = {}
    """Usual names of columns by role, the preferred one first, where they are others than the kind's."""
    answer: type[Answer]
    """What a model answers."""
    judge: str = ""
    """`module:Class` of what an evaluation accumulates (`zoo.metrics.Judge`), imported when it is used; empty where
    answers are held against nothing."""
    objective: str = ""
    """`module:Class` of what a body is trained by for it (`zoo.training.Objective`, made of a run and a body), imported
    in the worker; empty where plugins bring their own."""
    needs: frozenset[str] = frozenset()
    """What a body must provide for that (`Body.provides`), such as `pooled`, one vector an input."""
    primary_metric: str
    """What best checkpoints and early stopping look at."""
    larger_is_better: bool = True
    """Direction of the primary metric."""

    pretrain_options: type[Options] = Options
    """What can be chosen for pretraining beside the options of the engine and of the model's family; of models whose
    own set says `with_task_options`."""
    finetune_options: type[Options] = Options
    """Likewise for fine-tuning."""
    predict_options: type[Options] = Options
    """Likewise for predicting, and for an evaluation."""
    judged_options: dict[str, Any] = {}
    """Of `predict_options`, what an evaluation takes where a person leaves it open: a judge may want to see more."""

    teachable: bool = False
    """Whether an answer can say of everything how likely it is, so that another model can learn from it what its
    objective makes of answers (`zoo.training.Objective.lesson`)."""
    taught_options: dict[str, Any] = {}
    """Of `predict_options`, what a teacher is asked with, so that its answers say so."""

    mark: str = ""
    """What a text must hold to be answered, such as a mask; it stands before the texts of conformance tests."""
    example: dict[str, str]
    """A row of its data, by the usual names of the columns."""
    formats: tuple[str, ...]
    """Of its data, in a person's words."""

    @property
    def options(self) -> dict[str, type[Options]]:
        """The options that it brings to each verb."""
        return {
            "pretrain": self.pretrain_options,
            "finetune": self.finetune_options,
            "predict": self.predict_options,
        }

    @property
    def roles(self) -> dict[str, Kind]:
        """What its data hold, each in a column of its own: the parts of the input, and last the target as `label`."""
        return {**self.input.roles, **({TARGET: self.target} if self.target else {})}

    def usual_columns(self, role: str) -> tuple[str, ...]:
        """Usual names of the column of a role, in lower case, the preferred one first."""
        kind = self.roles[role]
        return self.columns.get(role) or (kind.columns if role in (INPUT, TARGET) else (role,))

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Usual names of the columns that hold inputs."""
        return tuple(name for role in self.input.roles for name in self.usual_columns(role))

    def divided_at(self, separator: str) -> Task:
        """The same task, the labels of a text divided at a separator, if there is one.

        Raises:
            OptionInvalid: its targets are not divided.
        """
        return msgspec.structs.replace(self, target=self.target.divided_at(separator)) if self.target else self

    def named_by(self, classes: str) -> Task:
        """The same task, the values of its targets named by a file of classes, if there is one.

        Raises:
            OptionInvalid: its targets have no values to name.
        """
        return msgspec.structs.replace(self, target=self.target.named_by(classes)) if self.target else self

    def new_judge(self, labels: Sequence[str]) -> Judge:
        """What the answers of one model are judged by.

        Args:
            labels: what the model tells apart; empty where it has none.

        Raises:
            PluginBroken: there is no such class.
        """
        return self._judge_class()(labels)

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of all figures that answers may be judged by; none where its judge does not say, or there is none.

        Raises:
            PluginBroken: there is no such class.
        """
        return tuple(getattr(self._judge_class(), "FIGURES", ())) if self.judged else ()

    def _judge_class(self) -> type[Judge]:
        module, _, name = self.judge.partition(":")
        try:
            judge: type[Judge] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise PluginBroken(f"task {self.name} is judged by {self.judge!r}: {error}", JUDGE_HINT) from error
        return judge

    @property
    def judged(self) -> bool:
        """Whether answers can be held against what data say."""
        return self.target is not None and bool(self.judge)

    @property
    def has_mistakes(self) -> bool:
        """Whether an answer that is held against the data can be said to be wrong."""
        return self.judged and self.answer.severity is not BaseAnswer.severity

    @property
    def calibratable(self) -> bool:
        """Whether answers have probabilities that can be calibrated."""
        return self.judged and issubclass(self.answer, CalibratableAnswer)

    @property
    def prediction(self) -> Any:
        """What stands in the place of an input, as a type to decode JSON with: an answer, or why there is none."""
        return Union[self.answer, Rejected]
