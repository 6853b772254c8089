"""What is done after a training, on its result: a command each, as on the command line."""

from __future__ import annotations

from zoo.tui.widgets.growing_fields import GrowingFields

HELP = "Done next, on the result: a command as one types it, without its model. It is checked before anything starts."


class ThenFields(GrowingFields):
    """A field for each command."""

    def __init__(self) -> None:
        super().__init__("then", "then", placeholder="finetune --data reviews.csv --name mood", help=HELP)
