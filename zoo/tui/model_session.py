"""The model that a screen asks: loaded into a process of its own, which ends with the screen or with the next model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from zoo.card import Card
from zoo.errors import ZooError
from zoo.sessions import Session
from zoo.sessions.messages import Fetching, Ready
from zoo.tui.zoo_screen import ZooScreen
from zoo.units import size


class ModelSession:
    """At most one model at a time. All is called, and calls back, in the thread of the UI.

    Args:
        screen: asks.
        on_state: called with what is going on, in words.
        on_ready: called once the model is there.
    """

    def __init__(
        self, screen: ZooScreen[Any], on_state: Callable[[str], None], on_ready: Callable[[Ready], None]
    ) -> None:
        self._screen, self._on_state, self._on_ready = screen, on_state, on_ready
        self._session: Session | None = None
        self._is_ready = False
        self.card: Card | None = None
        """Of the model that was chosen last, whatever became of it."""

    @property
    def session(self) -> Session | None:
        """To ask the model; None while there is none that can be asked."""
        return self._session if self._is_ready else None

    def open(self, card: Card) -> bool:
        """Load a model in place of the one before; False where it is that one."""
        if self.card is not None and self.card.full_name == card.full_name and self._session is not None:
            return False
        self.close()
        self.card = card
        self._on_state("loading the model; the first one takes some seconds")
        self._screen.run_worker(lambda: self._load(card), thread=True, group="session", exit_on_error=False)
        return True

    def close(self) -> None:
        """End the process; it is not waited for."""
        session, self._session, self._is_ready = self._session, None, False
        if session is not None:
            threading.Thread(target=session.close, daemon=True).start()

    def _load(self, card: Card) -> None:
        """In a thread."""

        def show_progress(fetching: Fetching) -> None:
            total = f" of {size(fetching.total_bytes)}" if fetching.total_bytes else ""
            text = f"fetching the weights, {size(fetching.received_bytes)}{total}"
            self._screen.later(lambda: self._on_state(text) if self.card is card else None)

        try:
            session = Session(card.full_name, task=card.tasks_of("predict")[0])
            self._screen.zoo.feed.later(lambda: self._own(card, session))
            ready = session.wait_until_ready(show_progress)
        except ZooError as error:
            failure = error
            self._screen.later(lambda: self._failed(card, failure))
        else:
            self._screen.later(lambda: self._loaded(card, ready))

    def _own(self, card: Card, session: Session) -> None:
        if self.card is card and self._screen.stays:
            self._session = session
        else:  # another model was chosen meanwhile, or the screen goes
            threading.Thread(target=session.close, daemon=True).start()

    def _failed(self, card: Card, error: ZooError) -> None:
        if self.card is card:
            self.close()
            self._on_state(f"{error.message}. {error.hint}" if error.hint else error.message)

    def _loaded(self, card: Card, ready: Ready) -> None:
        if self.card is card:
            self._is_ready = True
            self._on_state(f"loaded, on {ready.device} in {ready.precision}")
            self._on_ready(ready)
