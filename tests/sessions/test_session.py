"""A warm model answers from a process of its own; what goes wrong there is told here as the same error."""

from __future__ import annotations

import os
import threading
import time

import psutil
import pytest

import zoo
from tests.echo_runs import until
from zoo.errors import OptionInvalid, RunFailed, UnknownModel
from zoo.sessions import Session

pytestmark = pytest.mark.slow


def test_answers_come_in_order_as_often_as_asked(words: str) -> None:
    with Session(words, device="cpu") as session:
        ready = session.wait_until_ready()
        assert (ready.device, set(ready.labels)) == ("cpu", {"negative", "positive"})
        for _ in range(3):
            good, nothing, bad = session.predict(["good fine", " ", "awful"])
            assert isinstance(good, zoo.Classification)
            assert isinstance(bad, zoo.Classification)
            assert (good.label, bad.label) == ("positive", "negative")
            assert nothing == zoo.Rejected("the text is empty")
        assert session.predict([]) == []


def test_threads_take_turns(words: str) -> None:
    with Session(words) as session:
        session.wait_until_ready()
        answers: dict[int, list[zoo.Prediction]] = {}

        def ask(number: int) -> None:
            answers[number] = session.predict(["good " * (number + 1)])

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number in range(8):
            assert answers[number] == session.predict(["good " * (number + 1)])


def test_what_cannot_be_loaded_is_told_as_the_error_it_is(words: str) -> None:
    with Session("no-such-model") as session, pytest.raises(UnknownModel, match="there is no model 'no-such-model'"):
        session.wait_until_ready()
    with Session(words, precision="fp128") as session, pytest.raises(OptionInvalid, match="fp128"):
        session.wait_until_ready()


def test_a_process_that_is_killed_is_told(words: str) -> None:
    with Session(words) as session:
        session.wait_until_ready()
        psutil.Process(session.pid).kill()
        with pytest.raises(RunFailed, match="the process that held words is gone"):
            session.predict(["good"])


def test_closing_ends_the_process_and_whoever_waits(words: str) -> None:
    session = Session(words)
    session.wait_until_ready()
    pid = session.pid
    session.close()
    until(lambda: not psutil.pid_exists(pid))
    with pytest.raises(RunFailed):
        session.predict(["good"])
    session.close()


def test_it_ends_with_the_one_who_opened_it(words: str) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        session = Session(words)
        session.wait_until_ready()
        os.write(writer, str(session.pid).encode())
        os._exit(0)
    os.waitpid(child, 0)
    pid = int(os.read(reader, 20))
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.close(reader)
    os.close(writer)
