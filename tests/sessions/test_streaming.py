"""Answers that grow come piece by piece, from Python, from a session, from a warm model and at a terminal."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import islice
from pathlib import Path
from subprocess import PIPE

import msgspec
import psutil
import pytest

import zoo
from tests.echo_runs import until
from tests.parrot import install_parrot
from tests.plugin_site import Site
from tests.plugin_site import zoo as command
from tests.processes import popen
from tests.terminal_output import CommandTerminal
from zoo.answers import GeneratedText, Rejected
from zoo.cli.exit_codes import ExitCode
from zoo.sessions import Session
from zoo.sessions.conversation import Conversation
from zoo.sessions.messages import LoadRequest

pytest.importorskip("pty")

CPU = {"device": "cpu", "precision": "fp32"}
ANSWER = GeneratedText("one two three", "end", 3)


@pytest.fixture
def parrot(site: Site) -> Site:
    install_parrot(site)
    return site


def test_from_python(parrot: Site) -> None:
    model = zoo.load("parrot", **CPU)
    stream = model.stream("one two three")

    assert list(stream) == ["one ", "two ", "three"]
    assert stream.answer == ANSWER == model.predict("one two three")
    silent, unreadable = model.stream(" "), model.stream("a\udc80")
    assert [*silent, *unreadable] == []
    assert silent.answer == Rejected("it heard nothing")
    assert unreadable.answer == Rejected("it holds bytes that are not UTF-8")
    with pytest.raises(zoo.PluginBroken, match="parrot fails to answer with parrot: ValueError: it has a cold"):
        list(model.stream("one broken"))


def test_a_model_whose_answers_do_not_grow_gives_no_pieces(words: str) -> None:
    model = zoo.load(words, **CPU)
    stream = model.stream("good fine")

    assert list(stream) == []
    assert stream.answer == model.predict("good fine")


def test_a_session_sends_the_pieces_and_stops_when_it_is_told(parrot: Site) -> None:
    with Session("parrot", **CPU) as session:
        ready = session.wait_until_ready()
        pieces = list(session.stream("one two three"))
        closed = parrot.path / "closed"
        until(closed.exists)
        closed.unlink()
        endless = session.stream("on forever")
        some = list(islice(endless, 4))
        endless.close()
        again = session.predict(["one two three"])
        broken = session.stream("one broken")

        assert (ready.streams, ready.chats) == (session.streams, session.chats) == (True, True)
        assert pieces == ["one ", "two ", "three", ANSWER]
        assert some == ["on ", "and so on ", "and so on ", "and so on "]
        assert closed.exists()
        assert again == [ANSWER]
        assert next(broken) == "one "
        with pytest.raises(zoo.PluginBroken, match="it has a cold"):
            next(broken)
        assert list(session.stream("a\udc80")) == [Rejected("it holds bytes that are not UTF-8")]


def test_other_options_need_no_other_process(parrot: Site) -> None:
    question = [{"role": "user", "content": "how long"}]

    def last(stream: Iterator[str | zoo.Prediction]) -> object:
        return list(stream)[-1]

    with Session("parrot", options={"max_tokens": 7}, **CPU) as session:
        ready = session.wait_until_ready()
        assert ready.adjusts
        assert last(session.stream(question)) == GeneratedText("up to 7", "end", 3)
        assert last(session.stream(question, {"max_tokens": 9})) == GeneratedText("up to 9", "end", 3)
        assert last(session.stream(question, {})) == GeneratedText("up to 256", "end", 3)
        with pytest.raises(zoo.OptionInvalid, match="--max-tokens is 0"):
            last(session.stream(question, {"max_tokens": 0}))
        assert last(session.stream(question)) == GeneratedText("up to 7", "end", 3)
    model = zoo.load("parrot", **CPU)
    assert model.with_options(max_tokens=9).predict([question]) == [GeneratedText("up to 9", "end", 3)]
    assert model.predict([question]) == [GeneratedText("up to 256", "end", 3)]


def test_a_model_that_does_not_adjust_says_so(words: str) -> None:
    with pytest.raises(zoo.Unsupported, match="keeps the options that it was loaded with"):
        zoo.load(words, **CPU).with_options()


def test_closing_waits_for_no_answer_that_is_not_read_to_its_end(parrot: Site) -> None:
    session = Session("parrot", **CPU)
    session.wait_until_ready()
    endless = session.stream("on forever")
    next(endless)
    closing = threading.Thread(target=session.close, daemon=True)
    closing.start()
    closing.join(20)

    assert not closing.is_alive()
    assert not psutil.pid_exists(session.pid)
    with pytest.raises(zoo.RunFailed, match="the process that held parrot is gone"):
        list(endless)


@pytest.mark.slow
def test_who_sends_no_request_is_not_waited_for(parrot: Site) -> None:
    request = msgspec.json.encode(LoadRequest(model="parrot", **CPU))
    words = [sys.executable, "-m", "zoo.sessions.worker"]
    with popen(words, stdin=PIPE, stdout=PIPE, stderr=PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        worker.stdin.write(request + b"\n" + b'{"type": "predict", inputs\n')
        worker.stdin.flush()  # and stays open

        assert msgspec.json.decode(worker.stdout.readline())["type"] == "ready"
        assert worker.wait(20) == ExitCode.OK
        assert worker.stderr.read().decode() == (
            "a request cannot be read, so no more are: JSON is malformed: object keys must be strings (byte 20)\n"
        )


def test_a_worker_that_sends_no_reply_is_an_error() -> None:
    conversation = Conversation("parrot", BytesIO(b"Hello!\n"), BytesIO())
    with pytest.raises(zoo.RunFailed, match="the process that holds parrot sent what is no reply: JSON is malformed"):
        conversation.wait_until_ready()


@pytest.fixture
def at_a_terminal(parrot: Site) -> Iterator[Callable[..., CommandTerminal]]:
    """Asks the model at a terminal."""
    with ExitStack() as stack:

        def ask(*words: str) -> CommandTerminal:
            terminal = CommandTerminal("predict", "parrot", *words, "--device", "cpu", "--precision", "fp32")
            stack.callback(terminal.close)
            return terminal

        yield ask


@pytest.mark.slow
def test_at_a_terminal_an_answer_grows_and_an_interruption_keeps_it(
    at_a_terminal: Callable[..., CommandTerminal],
) -> None:
    whole = at_a_terminal("one two\nthree", " ")
    assert whole.rest() == "one two three\n  one two\n  three\n\n  rejected: it heard nothing\n"
    assert whole.wait() == ExitCode.OK
    endless = at_a_terminal("on forever")
    begun = endless.shows("and so on and so on")
    endless.interrupt()
    rest = endless.rest()

    assert endless.wait() == ExitCode.INTERRUPTED
    assert re.fullmatch(r"on forever\n  on (and so on )+\n", begun + rest)


@pytest.mark.slow
def test_a_warm_model_streams_too(at_a_terminal: Callable[..., CommandTerminal], runtime: Path) -> None:
    first = command("predict", "parrot", "one two three", "--device", "cpu", "--precision", "fp32", "--keep-warm", "5")
    endless = at_a_terminal("on forever")
    begun = endless.shows("and so on and so on")
    endless.interrupt()
    interrupted = begun + endless.rest()
    code = endless.wait()
    after = command("predict", "parrot", "one two three", "--device", "cpu", "--precision", "fp32")

    assert first.returncode == after.returncode == ExitCode.OK
    assert code == ExitCode.INTERRUPTED
    assert interrupted.startswith("on forever\n  on and so on ")
    assert after.stdout == first.stdout == "one two three\n  one two three\n"
    assert "kept warm" in after.stderr


@pytest.mark.slow
def test_what_is_no_terminal_gets_whole_answers(parrot: Site, tmp_path: Path) -> None:
    done = command("predict", "parrot", "one two three", "--device", "cpu", "--precision", "fp32", "--json")
    rows = tmp_path / "rows.txt"
    rows.write_text("one\ntwo\n")
    out = tmp_path / "answers.csv"
    run = zoo.predict_file("parrot", rows, out, **CPU).wait(progress=False)

    assert '"prediction":{"type":"generated_text","text":"one two three","finish":"end","tokens":3}' in done.stdout
    assert run.status == "finished"
    assert out.read_text().splitlines()[1:] == ["1,one,one,,", "2,two,two,,"]
