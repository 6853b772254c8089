"""What an inspection says of spans: how many, of which words, and what the tokens read at once do not reach."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from zoo.data import inspect
from zoo.data.inspection_text import findings
from zoo.data.report import Inspection, Part
from zoo.kinds import SPANS
from zoo.kinds.facts import AmbiguousWords, ModelLimits, SpanFacts
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("text-multi-label-classification"), target=SPANS)


def written(folder: Path, name: str, *texts: str) -> Path:
    """JSON lines of texts in which `[word|label]` is a span."""
    path = folder / name
    with path.open("w", encoding="utf-8") as file:
        for marked in texts:
            text, spans = "", []
            for piece in marked.replace("[", "\0[").replace("]", "]\0").split("\0"):
                words, _, label = piece.strip("[]").partition("|")
                if piece.startswith("["):
                    spans.append({"start": len(text), "end": len(text) + len(words), "label": label})
                text += words
            file.write(json.dumps({"text": text, "spans": spans}) + "\n")
    return path


def inspected(path: Path, **options: Path | ModelLimits) -> Inspection:
    return inspect(path, TASK, **options)  # type: ignore[arg-type]


def facts(part: Part) -> dict[str, str]:
    return dict((*TASK.input.facts(part), *SPANS.facts(part)))


def test_spans_are_counted_and_words_of_several_labels_are_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.jsonl",
        "[Paris|place] is large",
        "[Paris|person] met [Paris|person] and [New  York|place]",
        "nobody",
        "[New York|team] won, [Paris|place] lost",
        "in [Rome|place]",
    )
    inspection = inspected(path)
    assert inspection.train.spans == SpanFacts(
        spans=7,
        texts=5,
        without=1,
        most=3,
        ambiguous=2,
        first_ambiguous=(
            AmbiguousWords("Paris", {"place": 2, "person": 2}),
            AmbiguousWords("New York", {"place": 1, "team": 1}),
        ),
    )
    assert facts(inspection.train)["spans"] == "7, 1.4 a text on average, 3 at most; 1 text has none"
    assert (
        f"note: {path}: 2 wordings have several labels, which only what stands around them can tell apart, such as "
        "'Paris' (place 2, person 2); 'New York' (place 1, team 1)"
    ) in list(findings(inspection))


def test_labels_of_one_part_alone_and_data_without_spans_are_named(tmp_path: Path) -> None:
    train = written(tmp_path, "train.jsonl", "[Ada|person] came", "[Bob|person] and [Rome|place]")
    test = written(tmp_path, "test.jsonl", "[Ada|person] saw [Acme|company]")
    both = list(findings(inspected(train, eval_path=test)))
    assert "error: labels of the evaluation data that are not in the training data: company" in both
    assert "warning: labels without evaluation data, which are not judged: place" in both
    empty = written(tmp_path, "empty.jsonl", "nobody", "nothing")
    assert f"error: no text of {empty} has any span" in list(findings(inspected(empty)))


def test_spans_that_a_cut_would_lose_are_counted_and_texts_are_said_to_be_read_in_windows(
    tokenizer: Path, tmp_path: Path
) -> None:
    path = written(tmp_path, "a.jsonl", "a [b|x] c d [e|x]", "a b [c d|x]", "[a|x]", "a b c d e f")
    inspection = inspected(path, limits=ModelLimits(tokenizer, 4))  # one of them stands for the start
    spans = inspection.train.spans
    assert spans is not None
    assert (spans.beyond, spans.long_texts, spans.max_tokens) == (2, 2, 4)
    lines = list(findings(inspection))
    assert (
        f"note: {path}: a cut after the 4 tokens that the model reads at once would lose 2 spans of 2 texts; such "
        "texts are read in windows that overlap, and nothing is lost"
    ) in lines
    assert not any("is not seen" in line for line in lines)
    assert facts(inspection.train)["lengths"].endswith("longest 7; 75.0% need more than one window of 4")
