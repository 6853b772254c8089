"""Files of words and tags, as every usual program writes them, are texts with spans."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from zoo.data import inspect, load
from zoo.data.example import Dataset
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import DatasetInvalid
from zoo.kinds import SPANS
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("text-multi-label-classification"), target=SPANS)
CONLL_2003 = """-DOCSTART- -X- O O

U.N. NNP I-NP I-ORG
official NN I-NP O
Ekeus NNP I-NP I-PER
heads VBZ I-VP O
for IN I-PP O
Baghdad NNP I-NP I-LOC
. . O O
"""


def read(path: Path, content: str, **columns: str) -> Dataset:
    path.write_text(content, encoding="utf-8", newline="")
    return load(path, TASK, columns=columns)


def texts(dataset: Dataset) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each text, and the words of its spans with their labels."""
    return [
        (example.input, [(example.input[span.start : span.end], span.label) for span in example.target])
        for example in dataset.examples
    ]


def test_the_tags_of_the_last_column_are_spans_and_another_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "eng.conll"
    dataset = read(path, CONLL_2003)
    text = "U.N. official Ekeus heads for Baghdad ."
    assert texts(dataset) == [(text, [("U.N.", "ORG"), ("Ekeus", "PER"), ("Baghdad", "LOC")])]
    assert dataset.columns == {"input": "text", "label": "spans"}
    assert Table(path).columns == ("text", "spans", "2", "3", "4")
    assert dataset.reading_note == (
        "read as CoNLL (4 columns with blanks between, IOB1 tags in column 3 and IOB1 tags in column 4)"
    )
    chunks = load(path, TASK, columns={"label": "3"})
    of_two = read(tmp_path / "a.conll", "Ada\tB-PER\ncame\tO\n", label="2")
    assert texts(of_two) == [("Ada came", [("Ada", "PER")])]
    assert texts(chunks)[0][1] == [("U.N. official Ekeus", "NP"), ("heads", "VP"), ("for", "PP"), ("Baghdad", "NP")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("between", ["", "\t", "  ", "\u00a0", "-DOCSTART-\tO"])
def test_empty_lines_white_space_and_documents_end_sentences(tmp_path: Path, ending: str, between: str) -> None:
    lines = ["Ada\tB-person", "Lovelace\tI-person", between, between, "met\tO", between, "Lovelace\tB-person"]
    dataset = read(tmp_path / "a.bio", ending.join(lines))
    assert texts(dataset) == [
        ("Ada Lovelace", [("Ada Lovelace", "person")]),
        ("met", []),
        ("Lovelace", [("Lovelace", "person")]),
    ]
    assert [example.row for example in dataset.examples] == [1, 5, 7]


@pytest.mark.parametrize(
    "content",
    [
        "# 1 - a source [2009-10-17]\n1\tAda\tB-PER\tO\n2\tcame\tO\tO\n\n# another\n1\tAda\tB-PER\tO\n2\tcame\tO\tO\n",
        "# id 12 domain=train\nAda _ _ B-PER\ncame _ _ O\n\n# id 13 domain=train\nAda _ _ B-PER\ncame _ _ O\n",
        "Ada\tNNP\tB-PER\ncame\tVBD\tO\n\nAda\tNNP\tB-PER\ncame\tVBD\tO",
        "\ufeffAda  B-PER \ncame   O\n\n\n\nAda B-PER\ncame O\n\n",
        "Ada PER\ncame O\n\nAda PER\ncame O\n",
    ],
    ids=["GermEval", "MultiCoNER", "tabs", "blanks", "IO"],
)
def test_other_layouts_are_recognised(tmp_path: Path, content: str) -> None:
    columns = {"label": "3"} if content.startswith("# 1") else {}
    dataset = read(tmp_path / "a.conll", content, **columns)
    assert texts(dataset) == [("Ada came", [("Ada", "PER")])] * 2
    assert dataset.rejected == dataset.faults == ()


def test_a_hash_that_is_a_word_is_one(tmp_path: Path) -> None:
    assert texts(read(tmp_path / "a.conll", "#\tO\nAda\tB-person\n")) == [("# Ada", [("Ada", "person")])]


def test_a_line_that_is_broken_sets_aside_its_sentence_alone(tmp_path: Path) -> None:
    content = "Ada\tB-person\ncame\tO\n\nthen\n left\tO\n\nBob\tB-person\nand\t\nEve\tO\tO\n"
    dataset = read(tmp_path / "a.conll", content)
    assert [example.row for example in dataset.examples] == [1]
    assert [(one.row, one.reason) for one in dataset.rejected] == [
        (4, "line 4 has 1 column where others have 2"),
        (7, "line 8 has 1 column where others have 2"),
    ]


def test_a_tag_that_breaks_its_scheme_is_named_with_its_line(tmp_path: Path) -> None:
    content = "Ada\tB-person\nL.\tI-person\n\nmet\tO\nBob\tI-person\nin\t0\nRome\tB-place,B-team\n"
    dataset = read(tmp_path / "a.conll", content)
    assert texts(dataset)[1] == ("met Bob in Rome", [("Bob", "person"), ("Rome", "place")])
    assert [(one.row, one.reason) for one in dataset.faults] == [
        (4, "span 1 has the tag '0' in line 6, which is none of IOB2, and is left out"),
        (4, "span 2 (person) begins with I-person after O, where IOB2 has B- (line 5), and is kept"),
        (4, "span 4 (team) is of a word with several tags, 'B-place,B-team' in line 7, and is left out"),
    ]
    inspection = inspect(tmp_path / "a.conll", TASK)
    assert inspection.train.reading_note == "read as CoNLL (2 columns with tabs between, IOB2 tags in column 2)"
    assert inspection.train.faults == 3


def test_of_words_with_several_tags_one_span_stays_and_the_rest_is_one_sort_of_fault(tmp_path: Path) -> None:
    content = "New\tB-team,B-place\nYork\tI-place\nwon\tO\n\nAcme\tB-corporation|B-group|B-corporation\nwon\tO\n"
    dataset = read(tmp_path / "a.conll", content)
    assert texts(dataset) == [("New York won", [("New York", "place")]), ("Acme won", [("Acme", "corporation")])]
    inspection = inspect(tmp_path / "a.conll", TASK)
    assert inspection.train.fault_sorts == {"of words with several tags": 2}
    assert inspection.train.first_fault == (
        "row 1: span 1 (team) is of a word with several tags, 'B-team,B-place' in line 1, and is left out"
    )


def test_words_alone_are_texts_without_targets(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Ada\ncame\n\nBob\n", encoding="utf-8")
    assert Table(path).columns == ("text",)
    dataset = load(path, TASK, require_target=False)
    assert [example.input for example in dataset.examples] == ["Ada came", "Bob"]
    with pytest.raises(DatasetInvalid, match="no column that is usually the span"):
        load(path, TASK)


@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "eng.testa", "a.txt.gz", "a.iob2.gz"])
def test_the_content_says_so_where_the_name_does_not(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((gzip.compress if name.endswith("gz") else bytes)(CONLL_2003.encode()))
    assert len(texts(load(path, TASK))[0][1]) == 3


@pytest.mark.parametrize(
    "content",
    [
        "One sentence a line.\nAnother, O\n",
        "word\ttag\nAda\tB-person\n",
        "O\nO\n",
        "a O\nb O\n",
        "",
        "B-a\nI-a\nB-b\n",
    ],
)
def test_other_texts_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    assert Table(tmp_path / "a.txt").columns == ("text",)
    assert len(list(Table(tmp_path / "a.txt").rows(("text",)))) == len(content.splitlines())


def test_what_is_not_utf8_is_named_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes(b"Ada\tB-person\n\nMalm\xf6\tB-place\n\n" + b"Bob\tB-person\n")
    with pytest.raises(DatasetInvalid, match=r"byte 18 \(0xF6\), in row 3, cannot be decoded"):
        load(path, TASK)
    inspection = inspect(path, TASK)
    assert [(one.row, "UTF-8" in one.reason) for one in inspection.train.rejected] == [(3, True)]


def test_other_files_of_such_a_name_are_refused_in_words(tmp_path: Path) -> None:
    empty, image = tmp_path / "a.conll", tmp_path / "b.conll"
    empty.write_bytes(b"")
    image.write_bytes(b"%PDF-1.7")
    with pytest.raises(DatasetInvalid, match="no column that is usually the span"):
        load(empty, TASK)
    with pytest.raises(DatasetInvalid, match="is a PDF"):
        load(image, TASK)


def test_files_called_like_parts_are_the_parts_of_their_folder(tmp_path: Path) -> None:
    for name in ("train.conll", "dev.txt", "test.conll", "notes.txt"):
        (tmp_path / name).write_text("Anna B-PER\nsings O\n\nBonn B-LOC\nsleeps O\n\n")
    assert parts_of(tmp_path) == (tmp_path / "train.conll", tmp_path / "dev.txt", tmp_path / "test.conll")


def test_a_first_line_that_names_the_columns_is_no_word(tmp_path: Path) -> None:
    assert texts(read(tmp_path / "a.conll", "word tag\nAda B-PER\ncame O\n")) == [("Ada came", [("Ada", "PER")])]
    dataset = read(tmp_path / "a.tsv", "token\tpos\tNER\nAda\tNNP\tB-PER\n\nword\tNN\tO\nO\tO\tO\n")
    assert texts(dataset) == [("Ada", [("Ada", "PER")]), ("word O", [])]


@pytest.mark.parametrize(
    "names",
    [
        ("train.conll", "dev.conll", "test.conll"),
        ("train.txt", "valid.txt", "test.txt"),
        ("eng.train", "eng.testa", "eng.testb"),
        ("train.conll.gz", "val.bio", "test.tsv"),
    ],
)
def test_the_files_of_a_folder_are_its_parts(names: tuple[str, str, str], tmp_path: Path) -> None:
    for name in names:
        content = f"{name}\tB-name\nis\tO\n\nred\tO\n\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (tmp_path / "README.txt").write_text("Names.\n")
    assert tuple(path and path.name for path in parts_of(tmp_path)) == names
    inspection = inspect(tmp_path, TASK)
    assert inspection.eval is not None
    assert (Path(inspection.train.path).name, Path(inspection.eval.path).name) == names[:2]
