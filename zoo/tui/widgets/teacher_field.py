"""The model whose answers are learnt, too: one of those that teach what another model can learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.message import Message
from textual.widgets import Select

from zoo.card import Card
from zoo.catalog import distinct_names
from zoo.errors import Unsupported
from zoo.teachers import possible_teachers, task_of_teacher
from zoo.tui.widgets.fields import Field, offered

NONE = ("none", "")
HELP = "Its answers are learnt beside the labels of the data, or alone where these have none."


def teachers_of(model: Card, cards: Sequence[Card]) -> dict[str, Card]:
    """The models whose answers a model can learn, by a name that no other model has.

    Args:
        model: learns.
        cards: of all models.
    """
    names = dict(zip((card.full_name for card in cards), distinct_names(cards), strict=True))
    return {names[card.full_name]: card for card in possible_teachers(model, cards)}


class TeacherField(Field):
    """One of the models that teach, or none; which there are is told later, as that takes a look at all models.

    Args:
        model: learns.
        value: name of the teacher that stands there at first.
    """

    class Offered(Message):
        """The models that teach can be chosen."""

    def __init__(self, model: Card, value: str = "") -> None:
        choices = [NONE, *([(value, value)] if value else [])]
        editor: Select[str] = Select(offered(choices), value=value, allow_blank=False, compact=True)
        super().__init__("teacher", "teacher", editor, value, help=HELP)
        self._model = model
        self.teachers: Mapping[str, Card] = {}
        """Those that can be chosen."""

    @property
    def teacher(self) -> Card | None:
        """The model that is chosen."""
        return self.teachers.get(self.value)

    def task_for(self, task: str = "") -> str:
        """The task that is learnt of the one that is chosen; arguments and errors as in `task_of_teacher`."""
        return task_of_teacher(self.teacher, self._model, task) if self.teacher else task

    def find_fault(self, task: str) -> Unsupported | None:
        """Why the one that is chosen does not teach a task; None where it does."""
        try:
            self.task_for(task)
        except Unsupported as error:
            return error
        return None

    def offer_teachers(self, teachers: Mapping[str, Card]) -> None:
        """Let one of the models be chosen; one that stands there stays if it is among them."""
        self.teachers = teachers
        value = self.value if self.value in teachers else ""
        self.offer([NONE, *((f"{name}: {card.task}", name) for name, card in teachers.items())], value)
        self.set_note("" if teachers else f"no model here teaches what {self._model.name} can learn")
        self.post_message(self.Offered())
