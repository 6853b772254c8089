"""Texts with what was found in them are written as CoNLL columns and as documents of spaCy, and are read again."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import new_site
from zoo.answers import Prediction
from zoo.answers.answer import RecordCount
from zoo.answers.tagged_files import Conll, SpacyLines
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.data import load
from zoo.errors import OptionInvalid
from zoo.runs.answer_files import AnswerColumns, AnswerFormat, AnswerRecord
from zoo.tasks import get_task

PLUGIN = """
import re
import zoo

@zoo.hookimpl
def cards():
    weights = zoo.Weights(
        files=(zoo.WeightsFile(name="w.bin"),), sources=(zoo.FolderSource(path=__file__.rpartition("/")[0]),)
    )
    ability = zoo.Ability(verb="predict", task="token-classification", options=zoo.Options)
    return [zoo.Card(name="capitals", task="token-classification", family="toy", summary="capitals are names",
                     weights=weights, labels=("late name",), abilities=(ability,))]

class Capitals:
    def predict(self, inputs):
        return [self.spans(text) for text in inputs]

    def spans(self, text):
        if not isinstance(text, str):
            return zoo.Rejected("no text")
        found = re.finditer(r"[A-Z]\\\\w+(?: [A-Z]\\\\w+)*", text)
        return zoo.TaggedSpans(text, tuple(
            zoo.TaggedSpan(one.start(), one.end(), "late name", one[0], 0.5) for one in found
        ))

@zoo.hookimpl
def predict(run):
    return Capitals()
""".replace("\\\\", "\\")
CONLL = "Ada\tO\nLovelace's\tO\nU.K.\tO\n.\tO\n\nnobody\tO\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[Path]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.path.mkdir(exist_ok=True)
        (site.path / "w.bin").write_bytes(b"x")
        site.install("capital", PLUGIN)
        monkeypatch.chdir(tmp_path)
        yield tmp_path


def tagged(text: str, *words: str) -> zoo.TaggedSpans:
    """The words, in their order, are spans of the label `a b`."""
    spans, end = [], 0
    for word in words:
        start = text.index(word, end)
        end = start + len(word)
        spans.append(zoo.TaggedSpan(start, end, "a b", word, 0.5))
    return zoo.TaggedSpans(text, tuple(spans))


def lines(writer: AnswerFormat, answer: Prediction) -> list[str]:
    return writer.encode(AnswerRecord(1, "", answer)).decode().splitlines()


def test_words_end_at_white_space_at_spans_and_beside_punctuation() -> None:
    answer = tagged("(Ada Lovelace, of the U.K., wrote e-mails to ErnstÖl.)", "Ada Lovelace", "U.K.", "Ernst")
    words = "( Ada/B Lovelace/I , of the U.K./B , wrote e-mails to Ernst/B Öl . )"
    tags = {"": "O", "B": "B-a b", "I": "I-a b"}
    pairs = (word.partition("/") for word in words.split())
    assert lines(Conll(AnswerColumns()), answer) == [*(f"{word}\t{tags[tag]}" for word, _, tag in pairs), ""]


def test_words_that_were_apart_stay_and_spans_that_follow_each_other_are_two() -> None:
    answer = tagged("Ada Lovelace's Bob .", "Ada Lovelace", "Bob")
    expected = ["Ada\tB-a b", "Lovelace's\tI-a b", "Bob\tB-a b", ".\tO", ""]
    assert lines(Conll(AnswerColumns(words_apart=True)), answer) == expected


def test_a_document_of_spacy_has_its_words_as_tokens() -> None:
    (line,) = lines(SpacyLines(AnswerColumns()), tagged("Ada came.", "Ada"))
    assert json.loads(line) == {
        "text": "Ada came.",
        "ents": [{"start": 0, "end": 3, "label": "a b"}],
        "tokens": [{"id": 0, "start": 0, "end": 3}, {"id": 1, "start": 4, "end": 8}, {"id": 2, "start": 8, "end": 9}],
    }


@pytest.mark.parametrize("writer", [Conll(AnswerColumns()), SpacyLines(AnswerColumns())])
def test_whole_records_are_counted_wherever_a_file_ends(writer: AnswerFormat) -> None:
    texts = [tagged("# Ada came", "Ada"), tagged(""), tagged(" \n "), tagged("é")]
    answers = [texts[0], zoo.Rejected("it is\nno text"), *texts[1:]]
    parts = [writer.encode(AnswerRecord(row, "", answer)) for row, answer in enumerate(answers)]
    ends = list(itertools.accumulate(map(len, parts), initial=0))
    rejected = [0, 0, 1, 1, 1, 1]
    for cut in range(ends[-1] + 1):
        whole = sum(end <= cut for end in ends) - 1
        expected = RecordCount(whole, rejected[whole], ends[whole])
        assert writer.count(io.BytesIO(b"".join(parts)[:cut])) == expected, cut


@pytest.mark.slow
def test_a_file_of_words_is_answered_word_by_word_and_read_again(here: Path) -> None:
    Path("in.conll").write_text(CONLL, encoding="utf-8")
    command = ("predict", "capitals", "--file", "in.conll", "--device", "cpu")
    assert main([*command, "--out", "out.conll"]) == ExitCode.OK
    expected = "Ada\tB-late name\nLovelace's\tI-late name\nU.K.\tO\n.\tO\n\nnobody\tO\n\n"
    assert Path("out.conll").read_text(encoding="utf-8") == expected
    dataset = load("out.conll", get_task("token-classification"))
    assert [len(example.target) for example in dataset.examples] == [1, 0]
    assert main([*command, "--out", "out.jsonl", "--format", "spacy"]) == ExitCode.OK
    assert json.loads(Path("out.jsonl").read_text(encoding="utf-8").splitlines()[0])["ents"] == [
        {"start": 0, "end": 12, "label": "late name"}
    ]
    assert [len(one.target) for one in load("out.jsonl", get_task("token-classification")).examples] == [1, 0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conll", "Ada\tB-late name\n\\u001b\tO\ncame\tO\n.\tO\n\n"),
        ("csv", 'row,input,prediction,probability,rejected\n1,Ada \\u001b came.,"[{""start"":0'),
        ("jsonl", '{"row":1,"input":"Ada \\u001b came.","prediction":{"type":"tagged_spans"'),
    ],
)
def test_answers_go_to_stdout_in_any_format_without_acting_on_a_terminal(
    name: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "capitals", "Ada \x1b came.", "--format", name, "--device", "cpu"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith(expected)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--format", "xml"),
            "--format is xml, and these answers are written as csv, tsv, jsonl, ndjson, conll or",
        ),
        (("--format", "csv", "--json"), "--json and --format csv were both given"),
        (("--file", "in.conll", "--out", "a.conll", "--keep", "spans"), "no place for them in the format conll"),
        (
            ("--file", "in.conll", "--out", "a.spacy"),
            "ends in .spacy, and answers are written as .csv, .tsv,",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(
    flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.conll").write_text(CONLL, encoding="utf-8")
    inputs = () if "--file" in flags else ("Ada came",)
    assert main(["predict", "capitals", *inputs, *flags, "--device", "cpu"]) != ExitCode.OK
    assert message in capsys.readouterr().err


def test_other_answers_have_no_such_formats(here: Path) -> None:
    from zoo.runs.answer_files import answer_format

    with pytest.raises(OptionInvalid, match="--format is conll"):
        answer_format(Path("a.csv"), "conll", get_task("text-classification"))
