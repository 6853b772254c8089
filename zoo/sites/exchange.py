"""The meeting point of a server: rounds that a training begins, and what clients bring, in threads of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from zoo.errors import RunFailed
from zoo.plurals import counted, name_list
from zoo.sanitize import one_line
from zoo.sites.messages import MOST_ROWS, Figures, Membership, Phase, Refused, RoundState
from zoo.sites.options import ServingOptions

POLL_S = 0.1
FAREWELL_S = 10.0
"""How long clients may take to hear of the end of a run that failed."""
LONGEST_REASON = 200


@dataclass
class _Member:
    """A client, as the server knows it."""

    joined: Membership | None = None
    """None of one that has not joined, or has left."""
    known: Membership | None = None
    """As it joined last."""
    seen_at: float = 0.0


class Brought(NamedTuple):
    """What came of a client in a round."""

    update: Any
    """What `check` made of it."""
    rows: int
    """It was learnt from, as the client had joined by then."""


@dataclass
class _Round:
    """What clients are asked for."""

    phase: Phase
    number: int = 0
    weights: bytes = b""
    sha256: str = ""
    drawn: frozenset[str] = frozenset()
    judged: bool = False
    """Whether clients say how good the weights are."""
    check: Callable[[bytes], Any] = bytes
    """Makes of what a client sends what is kept of it, or refuses it."""
    message: str = ""
    updates: dict[str, Brought] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Figures] = field(default_factory=dict)
    fetched: set[str] = field(default_factory=set)
    """Those who have begun to fetch the weights."""


class Outcome(NamedTuple):
    """What came of a round."""

    updates: dict[str, Brought]
    """By client."""
    figures: dict[str, Figures]
    """By client, of the weights that the round began with."""


class Exchange:
    """Who is there, and what came of whom; safe to be asked by several threads.

    Args:
        names: of all clients, in order.
        options: how long is waited for whom.
        expected: a membership that can be taken: its versions and its digest.
        note: tells the person.
        warn: likewise.
        should_stop: whether the run was asked to stop.
    """

    def __init__(
        self,
        names: Sequence[str],
        options: ServingOptions,
        expected: Membership,
        *,
        note: Callable[[str], None],
        warn: Callable[[str], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.names, self.options, self._expected = tuple(names), options, expected
        self._note, self._warn, self._should_stop = note, warn, should_stop
        self._members = {name: _Member() for name in names}
        self._round = _Round("gathering")
        self._lock = threading.RLock()

    # What clients do.

    def see(self, name: str) -> None:
        """Note that a client is there."""
        with self._lock:
            self._members[name].seen_at = time.monotonic()

    def join(self, name: str, membership: Membership) -> None:
        """Let a client take part from now on.

        Raises:
            Refused: it has another version or another model, or no rows, or more than anybody has.
        """
        expected = self._expected
        for what, own, its in (
            ("zoo", expected.zoo, membership.zoo),
            ("the plugin", expected.plugin, membership.plugin),
            ("the model, by digest", expected.digest, membership.digest),
        ):
            if own != its:
                word = f"{what} is {one_line(its)[:80]} there and {own} here"
                self._warn(f"{name} is refused: {word}")
                raise Refused(409, word)
        if not (1 <= membership.rows <= MOST_ROWS and 0 <= membership.eval_rows <= MOST_ROWS):
            raise Refused(422, f"a client has rows to train on, and {MOST_ROWS:,} at most")
        with self._lock:
            again = self._members[name].joined is not None
            self._members[name].joined = self._members[name].known = membership
        rows = f"{counted(membership.rows, 'row')} to train on, {membership.eval_rows:,} held out"
        self._note(f"{name} {'has joined again' if again else 'has joined'}: {rows}")

    def leave(self, name: str) -> None:
        """A client goes; it may come back."""
        with self._lock:
            left = self._members[name].joined is not None and self._round.phase not in ("finished", "failed")
            self._members[name] = _Member(known=self._members[name].known)
        if left:
            self._note(f"{name} has left; it can join again")

    def state(self, name: str) -> RoundState:
        """What a client is to do.

        Raises:
            Refused: it has not joined.
        """
        with self._lock:
            member, current = self._member(name), self._round
            done = name in current.updates or name in current.lost
            assert member.joined is not None
            return RoundState(
                phase=current.phase,
                number=current.number,
                sha256=current.sha256,
                size_bytes=len(current.weights),
                trains=current.phase == "training" and name in current.drawn and not done,
                judges=current.judged and member.joined.eval_rows > 0 and name not in current.figures,
                message=current.message,
            )

    def weights(self, name: str, number: int) -> bytes:
        """What a client begins a round with, or the result."""
        with self._lock:
            self._member(name)
            current = self._current(number)
            current.fetched.add(name)
            return current.weights

    def expects(self, name: str, number: int) -> None:
        """Insist on a round in which a client has a turn, and nothing came of it yet.

        Raises:
            Refused: there is no such turn.
        """
        with self._lock:
            self._member(name)
            current = self._current(number)
            if current.phase != "training" or name not in current.drawn:
                raise Refused(409, f"{name} has no turn in round {number}")
            if name in current.updates or name in current.lost:
                raise Refused(409, f"round {number} has what came of {name}")

    def update(self, name: str, number: int, content: bytes) -> None:
        """Take in the weights of a client.

        Raises:
            Refused: they are not what the round asks for.
        """
        self.expects(name, number)
        check = self._round.check
        try:
            kept = check(content)
        except Refused as refused:
            self.lose(name, number, refused.word)
            raise
        with self._lock:
            self.expects(name, number)  # checking takes time
            joined = self._member(name).joined
            assert joined is not None
            self._round.updates[name] = Brought(kept, joined.rows)

    def lose(self, name: str, number: int, reason: str) -> None:
        """Nothing comes of a client in a round."""
        with self._lock:
            self.expects(name, number)
            self._round.lost[name] = one_line(reason)[:LONGEST_REASON]
        self._warn(f"round {number}: {name} is left out: {self._round.lost[name]}")

    def judge(self, name: str, number: int, figures: Figures) -> None:
        """Take in how good the weights of a round are at a client."""
        with self._lock:
            joined = self._member(name).joined
            assert joined is not None
            current = self._current(number)
            if not current.judged or not joined.eval_rows or figures.rows != joined.eval_rows:
                raise Refused(422, f"{name} holds out {joined.eval_rows} rows")
            current.figures[name] = figures

    def _member(self, name: str) -> _Member:
        member = self._members[name]
        if member.joined is None:
            raise Refused(409, "join")
        return member

    def _current(self, number: int) -> _Round:
        if number != self._round.number:
            raise Refused(409, f"round {number} is over" if number < self._round.number else "no such round")
        return self._round

    # What the training does.

    def present(self) -> tuple[str, ...]:
        """The clients that have joined and were heard of, in order."""
        heard = time.monotonic() - self.options.away
        with self._lock:
            return tuple(
                name for name, member in self._members.items() if member.joined is not None and member.seen_at > heard
            )

    def memberships(self) -> Mapping[str, Membership]:
        """Of all who have joined so far, those who have left included."""
        with self._lock:
            return {name: member.known for name, member in self._members.items() if member.known is not None}

    def remember(self, rows: Mapping[str, tuple[int, int]]) -> None:
        """Know of those who took part before the server was started again.

        Args:
            rows: to train on and held out, by client.
        """
        with self._lock:
            for name, (train, held_out) in rows.items():
                known = msgspec.structs.replace(self._expected, rows=train, eval_rows=held_out)
                self._members[name].known = self._members[name].known or known

    def gather(self, patience_s: float) -> bool:
        """Wait until all are there, or as many as it takes after a while; False where a stop was asked for."""
        self._note(f"waiting for {name_list(self.names)}")
        began, told = time.monotonic(), False
        while len(present := self.present()) < len(self.names):
            if self._should_stop():
                return False
            late = time.monotonic() - began > patience_s
            if late and len(present) >= min(self.options.least, len(self.names)):
                absent = tuple(name for name in self.names if name not in present)
                self._warn(f"beginning without {name_list(absent)}, who may come later")
                return True
            if late and not told:
                told = True
                self._warn(f"{counted(len(present), 'client')} of at least {self.options.least} are there: waiting")
            time.sleep(POLL_S)
        return True

    def begin(
        self,
        phase: Phase,
        number: int,
        weights: bytes,
        sha256: str,
        *,
        drawn: Iterable[str] = (),
        judged: bool = False,
        check: Callable[[bytes], Any] = bytes,
    ) -> None:
        """Ask clients for something."""
        with self._lock:
            self._round = _Round(phase, number, weights, sha256, frozenset(drawn), judged, check)

    def outcome(self) -> Outcome | None:
        """Wait for what comes of a round; None where a stop was asked for.

        Raises:
            RunFailed: all were there, and too little came of them.
        """
        current, told = self._round, False
        since = began = time.monotonic()
        needed = min(self.options.least, len(current.drawn))
        while True:
            if self._should_stop():
                return None
            with self._lock:
                late = time.monotonic() - began > self.options.deadline
                waiting = self._awaited(current, time.monotonic() - since)
                if (late or not waiting) and len(current.updates) >= needed:
                    self._tell_absent(current, late=late)
                    return self._close(current)
                if current.drawn and current.drawn <= {*current.updates, *current.lost}:
                    raise RunFailed(
                        f"round {current.number}: something came of {len(current.updates)} of at least {needed}"
                        " clients",
                        "the warnings say more of each client; --least is how many it takes",
                    )
                if late or not waiting:
                    self._draw_more(current)
            if (not waiting and not told) or late:
                began, told = time.monotonic(), True
                self._warn(
                    f"round {current.number}: {len(current.updates)} of at least {needed} clients so far; waiting"
                )
            time.sleep(POLL_S)

    def _awaited(self, current: _Round, waited_s: float) -> list[str]:
        """Those who have something to bring still, and are there; where nobody trains, may come back, too, a while."""
        names = self.present() if current.drawn or waited_s > self.options.away else self._joined()
        return [name for name in names for state in (self.state(name),) if state.trains or state.judges]

    def _joined(self) -> tuple[str, ...]:
        """The clients that have joined and not left, whether they are heard of or not."""
        return tuple(name for name, member in self._members.items() if member.joined is not None)

    def _draw_more(self, current: _Round) -> None:
        """Give those who stand by a turn, where it is waited for those who have one."""
        if more := [name for name in self.present() if name not in current.drawn]:
            current.drawn |= {*more}
            self._note(f"round {current.number}: a turn for {name_list(tuple(more))}, too: others are away or late")

    def _tell_absent(self, current: _Round, *, late: bool) -> None:
        present = self.present()
        for name in self.names:
            if name in current.drawn and name not in current.updates and name not in current.lost:
                there = f"it is late, after {self.options.deadline:g} s" if late and name in present else "it is away"
                self._warn(f"round {current.number}: {name} is left out: {there}")

    def _close(self, current: _Round) -> Outcome:
        """What came; anything that comes later is refused."""
        current.drawn, current.judged = frozenset(), False
        ordered = {name: current.updates[name] for name in self.names if name in current.updates}
        return Outcome(ordered, {name: current.figures[name] for name in self.names if name in current.figures})

    def dismiss(self, *, again: bool = False) -> None:
        """Wait until all have fetched the result and gone; for those who are away not long.

        Args:
            again: the result could be fetched before the server was started again, so who has it is not known.
        """
        began = time.monotonic()
        while not self._should_stop():
            with self._lock:
                due = {*self._joined(), *(set(self.memberships()) - self._round.fetched if again else ())}
                patience_s = self.options.deadline if self.present() else self.options.away
            if not due or time.monotonic() - began > patience_s:
                break
            time.sleep(POLL_S)
        left = tuple(name for name in self.memberships() if name not in self._round.fetched)
        if left and again:
            self._note(f"{name_list(left)} did not come again; who has the result already needs nothing")
        elif left:
            self._warn(f"{name_list(left)} did not fetch the result")

    def fail(self, message: str) -> None:
        """Tell those who are there that nothing comes of it."""
        with self._lock:
            self._round = _Round("failed", self._round.number, message=message)
        began = time.monotonic()
        while self.present() and time.monotonic() - began < FAREWELL_S:
            time.sleep(POLL_S)
