"""What plugins answer, report and leave behind: numbers of any library are numbers, and what is wrong is named."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

import zoo
from tests.counted_steps import steps_of
from tests.plugin_site import Site, card, plugin
from tests.plugin_site import zoo as command
from zoo.cli.exit_codes import ExitCode
from zoo.plugins import load_plugins
from zoo.runs.contract import AnswerCheck, ReportCheck
from zoo.runs.events import AnyEvent, StepCompleted
from zoo.runs.hooks import CheckedPredictor
from zoo.tasks import get_task

CPU = ("--device", "cpu", "--precision", "fp32")


def loaded() -> zoo.Model:
    return zoo.load("model", device="cpu", precision="fp32")


@pytest.fixture
def answering(site: Site, tmp_path: Path) -> Callable[..., None]:
    """Install a plugin whose one model, of labels a and b, answers every input with the value of an expression."""

    def install(answer: str, task: str = "text-classification") -> None:
        weights = tmp_path / "weights.txt"
        weights.write_text("w")
        file = f"zoo.WeightsFile(name='weights.txt', sha256='{sha256(b'w').hexdigest()}', size_bytes=1)"
        source = f"zoo.FolderSource(path={str(tmp_path)!r})"
        described = card(
            task=repr(task),
            labels="('a', 'b')" if task == "text-classification" else "()",
            weights=f"zoo.Weights(files=({file},), sources=({source},))",
            abilities=f"{{'predict': zoo.Ability(task={task!r})}}",
        )
        hook = (
            "class Answers:\n"
            "    def predict(self, inputs):\n"
            "        import math\n"
            "        import numpy as np\n"
            "        C, S, E, F = zoo.Classification, zoo.Score, zoo.Embedding, zoo.FilledMask\n"
            f"        return [{answer} for _ in inputs]\n"
            "@zoo.hookimpl\ndef predict(run):\n    return Answers()\n"
        )
        site.install("toy", plugin(described, more=hook))

    return install


@pytest.mark.parametrize(
    ("answer", "fault", "advice"),
    [
        ("C((S('a', math.nan), S('b', 0.1)))", "scores[0].probability nan of label 'a'", "a number from 0 to 1"),
        ("C((S('a', 7.0),))", "scores[0].probability 7.0 of label 'a'", "a number from 0 to 1"),
        ("C((S('a', 0.9), S('b', -0.1)))", "scores[1].probability -0.1 of label 'b'", "a number from 0 to 1"),
        ("C((S('a', 0.1), S('b', 0.9)))", "scores[1].probability 0.9 of label 'b', after 0.1", "comes first"),
        ("C((S('c', 0.9), S('b', 0.1)))", "scores[0].label 'c', which the model has not", "its labels are a, b"),
        (
            "C((S('a', '0.9'),))",
            "gave Classification.scores (Score(label='a', probability='0.9'),)",
            "expected float, got str",
        ),
        ("C((S(1, 0.9),))", "gave Classification.scores (Score(label=1, probability=0.9),)", "expected str, got int"),
        ("C((('a', 0.9),))", "gave Classification.scores (('a', 0.9),)", "expected object, got array"),
        ("C((S('a', 0.5), S('b', 0.3), S('a', 0.2)))", "scores[2].label 'a' again", "each label has one score"),
        ("C(())", "answered with no scores", "the most probable first"),
        ("E((1.0, 2.0))", "answered with an Embedding", "answers for text-classification are zoo.Classification"),
        (
            "C((S('a', 1.0),), truncated_at=1.5)",
            "gave Classification.truncated_at 1.5",
            "expected int | null, got float",
        ),
        ("zoo.Rejected(7)", "gave Rejected.reason 7", "expected str, got int"),
    ],
)
def test_a_wrong_classification_is_told_with_its_field_and_value(
    answer: str, fault: str, advice: str, answering: Callable[..., None]
) -> None:
    answering(answer)
    with pytest.raises(zoo.PluginBroken) as caught:
        loaded().predict("text")

    assert caught.value.message.startswith("plugin toy ")
    assert fault in caught.value.message
    assert advice in caught.value.hint
    assert caught.value.hint.endswith("(zoo plugins guide contract)")


@pytest.mark.parametrize(
    ("task", "answer", "fault"),
    [
        ("feature-extraction", "E((1.0, math.inf))", "vector[1] inf"),
        ("feature-extraction", "E((math.inf, -math.inf))", "vector[0] inf"),
        ("feature-extraction", "E(())", "an empty vector"),
        ("feature-extraction", "E(None)", "Embedding.vector None"),
        ("feature-extraction", "C((S('a', 1.0),))", "answered with a Classification"),
        ("fill-mask", "F('a', (S('b', math.nan),))", "scores[0].probability nan of label 'b'"),
        ("fill-mask", "F('a', ())", "answered with no scores"),
        ("fill-mask", "F(7, (S('b', 1.0),))", "FilledMask.text 7"),
    ],
)
def test_other_wrong_answers_are_told_likewise(
    task: str, answer: str, fault: str, answering: Callable[..., None]
) -> None:
    answering(answer, task)
    with pytest.raises(zoo.PluginBroken, match="plugin toy ") as caught:
        loaded().predict("text")

    assert fault in caught.value.message


@pytest.mark.parametrize(
    ("task", "answer", "expected"),
    [
        (
            "text-classification",
            "C([S(np.str_('a'), np.float32(0.75)), S('b', np.float64(0.25))])",
            zoo.Classification((zoo.Score("a", 0.75), zoo.Score("b", 0.25))),
        ),
        (
            "text-classification",
            "C((S('b', 1.0000000000000002), S('a', 0)))",
            zoo.Classification((zoo.Score("b", 1.0), zoo.Score("a", 0.0))),
        ),
        ("feature-extraction", "E(np.array([1, 2], dtype='float32'))", zoo.Embedding((1.0, 2.0))),
        (
            "text-classification",
            "C((S('a', 1.0),), truncated_at=np.int64(8))",
            zoo.Classification((zoo.Score("a", 1.0),), truncated_at=8),
        ),
        ("feature-extraction", "E((1.0, np.float16(2)))", zoo.Embedding((1.0, 2.0))),
        ("feature-extraction", "E((1.0, 2.0), truncated_at=np.int64(8))", zoo.Embedding((1.0, 2.0), truncated_at=8)),
        ("fill-mask", "F('a b', (S('b', np.float32(0.5)),))", zoo.FilledMask("a b", (zoo.Score("b", 0.5),))),
    ],
)
def test_numbers_of_numpy_are_numbers(
    task: str, answer: str, expected: zoo.Prediction, answering: Callable[..., None]
) -> None:
    answering(answer, task)
    prediction = loaded().predict("text")

    assert prediction == expected
    assert repr(prediction) == repr(expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="models are kept warm where there are Unix sockets")
def test_every_view_takes_them(answering: Callable[..., None], tmp_path: Path) -> None:
    answering("C((S('a', np.float32(0.75)), S('b', np.float32(0.25))))")
    data = tmp_path / "data.csv"
    data.write_text("text,label\nx,a\ny,b\n")

    typed = command("predict", "model", "text", "--json", *CPU)
    warm = command("predict", "model", "text", "--json", *CPU, "--keep-warm", "5")
    judged = command("evaluate", "model", "--data", str(data), "--json", *CPU)
    written = command("predict", "model", "--file", str(data), "--out", str(tmp_path / "o.jsonl"), *CPU)

    assert [done.returncode for done in (typed, warm, judged, written)] == [ExitCode.OK] * 4, warm.stderr
    assert json.loads(typed.stdout) == json.loads(warm.stdout)
    assert zoo.open_run(json.loads(judged.stdout)["run"]).metrics["accuracy"] == 0.5
    line = json.loads((tmp_path / "o.jsonl").read_text().splitlines()[0])
    assert line["prediction"]["scores"] == [{"label": "a", "probability": 0.75}, {"label": "b", "probability": 0.25}]


@pytest.mark.slow
def test_a_label_that_is_none_ends_an_evaluation_with_the_plugins_name(
    answering: Callable[..., None], tmp_path: Path
) -> None:
    answering("C((S('c', 1.0),))")
    data = tmp_path / "data.csv"
    data.write_text("text,label\nx,a\ny,b\n")
    done = command("evaluate", "model", "--data", str(data), *CPU)

    assert done.returncode == ExitCode.PLUGIN
    assert "plugin toy answered with scores[0].label 'c', which the model has not" in done.stderr


@pytest.mark.parametrize(
    ("methods", "fault"),
    [
        ({"checked": lambda self, labels: 1 / 0}, "ZeroDivisionError: division by zero"),
        ({"checked": lambda self, labels: None}, "TypeError: checked gives None"),
        ({"quick_check": classmethod(lambda cls, labels: lambda answer: answer.size > 3)}, "AttributeError: 'Foreign'"),
        ({"quick_check": classmethod(lambda cls, labels: labels["a"])}, "TypeError: 'frozenset' object"),
    ],
)
def test_an_answer_that_fails_to_check_itself_is_told_with_its_task(methods: dict[str, Any], fault: str) -> None:
    answer = msgspec.defstruct("Foreign", [("word", str)], bases=(zoo.Answer,), frozen=True, namespace=methods)
    task = msgspec.structs.replace(get_task("text-classification"), answer=answer)
    with pytest.raises(zoo.PluginBroken, match=r"^task text-classification: .*\.Foreign fails to check") as broken:
        AnswerCheck("toy", task, ())([answer(word="x")])
    assert fault in broken.value.message


def test_right_answers_cost_next_to_nothing() -> None:
    labels = [f"label {i}" for i in range(2)]
    right = zoo.Classification(tuple(zoo.Score(label, 0.5) for label in labels))
    check = AnswerCheck("toy", get_task("text-classification"), labels)
    answers = [right] * 1000
    assert check(answers) == answers

    assert steps_of(lambda: check(answers)) / 1000 < 300, "as many instructions take a few µs, an answer to a text 100"


def test_numbers_of_torch_are_numbers() -> None:
    import torch

    events: list[AnyEvent] = []
    figures = {"step": torch.tensor(3), "steps": 4, "epoch": 1.0, "lr": 0.0, "grad_norm": 0.0, "samples_per_s": 0.0}
    ReportCheck("toy", get_task("text-classification"), events.append)(
        StepCompleted(loss=torch.tensor(0.5, requires_grad=True), **figures)
    )

    (event,) = events
    assert isinstance(event, StepCompleted)
    assert repr((event.step, event.loss)) == "(3, 0.5)"


@pytest.mark.parametrize(
    ("precisions", "fault"),
    [
        ("('fp32', 'fp8')", "there is no precision 'fp8' to predict in; precisions are fp32, bf16, fp16, int8"),
        ("'fp32'", "the precisions to predict are 'fp32', not a tuple of fp32, bf16, fp16, int8"),
        ("()", "the precisions to predict are (), not a tuple of fp32, bf16, fp16, int8"),
    ],
)
def test_a_precision_that_does_not_exist_is_told_when_the_plugin_is_loaded(
    precisions: str, fault: str, site: Site
) -> None:
    ability = f"{{'predict': zoo.Ability(task='text-classification', precisions={precisions})}}"
    site.install("toy", plugin(card(abilities=ability)))
    _, (failure,) = load_plugins()

    assert failure.error == f"card 'model': {fault}"


def test_a_predictor_may_take_chunks_ahead_of_their_answers(
    site: Site, answering: Callable[..., None], tmp_path: Path
) -> None:
    """Row after row in order, those that cannot be read or encoded in their places, and never all rows at once."""
    answering("C((S('a', 0.9), S('b', 0.1)))")
    model = loaded()
    taken: list[int] = []

    class Ahead:
        def predict(self, inputs: list[str]) -> list[zoo.Prediction]:
            return [zoo.Classification((zoo.Score("a" if "good" in text else "b", 0.9),)) for text in inputs]

        def predict_chunks(self, chunks: Iterable[list[str]]) -> Iterator[list[zoo.Prediction]]:
            waiting: list[list[str]] = []
            for chunk in chunks:
                taken.append(len(chunk))
                waiting.append(chunk)
                if len(waiting) > 2:
                    yield self.predict(waiting.pop(0))
            yield from map(self.predict, waiting)

    predictor = CheckedPredictor(model.predictor._plugin, model.predictor.run, Ahead())
    chunks = [["good", "bad"], [], ["bad \udcff", "good"], ["bad"]]
    labels = [
        ["" if isinstance(answer, zoo.Rejected) else answer.label for answer in answers]
        for answers in predictor.predict_chunks(iter(chunks))
    ]

    assert labels == [["a", "b"], [], ["", "a"], ["b"]]
    assert taken == [2, 0, 1, 1]


@pytest.mark.parametrize(
    ("answered", "fault"),
    [
        ("lambda chunks: iter(())", "gave fewer chunks of answers than of inputs"),
        ("lambda chunks: ([] for _ in range(5))", "gave more chunks of answers than of inputs"),
        ("lambda chunks: ([] for _ in chunks)", "gave 0 answers to 1 input"),
        ("lambda chunks: (1 / 0 for _ in chunks)", "fails to answer with model: ZeroDivisionError"),
    ],
)
def test_a_predictor_of_chunks_that_breaks_the_contract_is_named(
    answered: str, fault: str, answering: Callable[..., None]
) -> None:
    answering("C((S('a', 0.9), S('b', 0.1)))")
    model = loaded()
    broken = SimpleNamespace(predict=list, predict_chunks=eval(answered))
    with pytest.raises(zoo.PluginBroken, match=re.escape(f"plugin toy {fault}")):
        list(CheckedPredictor(model.predictor._plugin, model.predictor.run, broken).predict_chunks(iter([["good"]])))


def test_what_goes_wrong_with_the_rows_is_not_the_fault_of_the_plugin(answering: Callable[..., None]) -> None:
    answering("C((S('a', 0.9), S('b', 0.1)))")
    model = loaded()
    takes = SimpleNamespace(predict=list, predict_chunks=lambda chunks: ([] for _ in chunks))

    def rows() -> Iterator[list[str]]:
        yield []
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(CheckedPredictor(model.predictor._plugin, model.predictor.run, takes).predict_chunks(rows()))


def test_a_predictor_that_runs_out_of_memory_is_asked_about_fewer_at_once(answering: Callable[..., None]) -> None:
    answering("C((S('a', 0.9),)) if len(inputs) < 3 else (_ for _ in ()).throw(MemoryError())")
    answers = loaded().predict(["one", "two", "three", "four", "five"])
    assert [answer.label for answer in answers] == ["a"] * 5


def test_a_predictor_that_has_no_memory_for_one_input_says_so(answering: Callable[..., None]) -> None:
    answering("(_ for _ in ()).throw(MemoryError('no room'))")
    with pytest.raises(MemoryError, match="no room"):
        loaded().predict(["one", "two"])


def test_a_predictor_that_runs_out_of_memory_looks_ahead_no_more(answering: Callable[..., None]) -> None:
    """What it had taken and not answered is asked again, a chunk at a time and, if that is too much, in parts."""
    answering("C((S('a', 0.9), S('b', 0.1)))")
    model = loaded()

    class Ahead:
        def predict(self, inputs: list[str]) -> list[zoo.Prediction]:
            if len(inputs) > 2:
                raise MemoryError
            return [zoo.Classification((zoo.Score("a" if text < "d" else "b", 0.9),)) for text in inputs]

        def predict_chunks(self, chunks: Iterable[list[str]]) -> Iterator[list[zoo.Prediction]]:
            taken = [next(iter(chunks)) for _ in range(3)]
            yield self.predict(taken[0])
            yield self.predict(taken[1])

    predictor = CheckedPredictor(model.predictor._plugin, model.predictor.run, Ahead())
    answers = list(predictor.predict_chunks(iter([["a"], ["b", "c", "d"], ["e"], [], ["f", "g"]])))
    labels = [["" if isinstance(one, zoo.Rejected) else one.label for one in chunk] for chunk in answers]
    assert labels == [["a"], ["a", "a", "b"], ["b"], [], ["b", "b"]]
