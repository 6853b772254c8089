"""Extractive question answering: pulled from a Hub, and asked; answers are those of the pipeline of transformers 4."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zoo_transformers.plugin import card_for

import zoo
from zoo import Card, ContextSpan, ExtractedAnswer, Rejected, Unsupported, Weights
from zoo.cli import main

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "bert": {},
    "deberta-v2": {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"]},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "electra": {"embedding_size": 32},
    "modernbert": {"cls_token_id": 2, "sep_token_id": 3},
    "mpnet": {},
    "roberta": {},
    "xlm-roberta": {},
}
"""`model_type` to what its configuration has beside the usual sizes."""
QUESTION = "where is my parcel"
SHORT = "please send the money back today, the app closes again"
LONG = "My parcel never came; the app closes again. Please send the money back today! " * 6
"""Longer than what is read at once."""


@pytest.fixture
def published(make_model: Callable[..., Any], tmp_path: Path) -> Callable[[str], Path]:
    """Saves a small network of random numbers as its publisher would; its answers are far from equally likely."""

    def published(model_type: str) -> Path:
        import torch

        network = make_model(model_type, "question-answering", tmp_path, **ARCHITECTURES[model_type])
        with torch.no_grad():
            head = next(one for one in network.modules() if getattr(one, "out_features", 0) == 2)
            head.weight.mul_(50)
        network.save_pretrained(tmp_path)
        return tmp_path

    return published


def load(card: Card, **options: Any) -> Any:
    return zoo.load(card.name, device="cpu", precision="fp32", **options)


def expected_scores(
    folder: Path, context: str, *, window: int, stride: int, longest: int = 15
) -> dict[tuple[int, int], float]:
    """The score of every place, as the pipeline of transformers 4 counts, but each place once."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    windows = tokenizer(
        QUESTION,
        context,
        truncation="only_second",
        max_length=window,
        stride=stride,
        return_overflowing_tokens=True,
    )
    best: dict[tuple[int, int], float] = {}
    for index, ids in enumerate(windows["input_ids"]):
        with torch.inference_mode():
            output = network(input_ids=torch.tensor([ids]))
        encoding = windows.encodings[index]
        inside = np.array([one == 1 for one in encoding.sequence_ids])
        counted = inside | (np.array(ids) == tokenizer.cls_token_id)
        shares = [np.where(counted, np.exp(one[0].numpy()), 0) for one in (output.start_logits, output.end_logits)]
        starts, ends = (one / one.sum() for one in shares)
        for first in np.flatnonzero(inside):
            for last in range(first, min(first + longest, len(ids))):
                if inside[last]:
                    words = encoding.token_to_word(first), encoding.token_to_word(last)
                    place = (encoding.word_to_chars(words[0], 1)[0], encoding.word_to_chars(words[1], 1)[1])
                    best[place] = max(best.get(place, 0), starts[first] * ends[last])
    return best


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_answers_are_those_of_transformers_pipeline(
    model_type: str, published: Callable[[str], Path], pull: Callable[..., Card]
) -> None:
    folder = published(model_type)
    card = pull(folder)
    assert (card.plugin, card.task) == ("transformers", "question-answering")
    model = load(card, top_k=3, stride=10)
    for context in (SHORT, LONG):
        expected = expected_scores(folder, context, window=64, stride=10)
        answer = model.predict((QUESTION, context))
        assert isinstance(answer, ExtractedAnswer)
        assert answer.truncated_at is None
        scores = [one.score for one in answer.spans]
        assert scores == pytest.approx(sorted(expected.values(), reverse=True)[:3], abs=1e-5)
        assert scores == pytest.approx([expected[one.start, one.end] for one in answer.spans], abs=1e-5)
        assert [one.text for one in answer.spans] == [context[one.start : one.end] for one in answer.spans]


@pytest.mark.slow
def test_what_can_be_chosen_and_what_cannot_be_asked(
    published: Callable[[str], Path], pull: Callable[..., Card], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    card = pull(published("roberta"))
    model = load(card, top_k=1000, max_answer_tokens=1, no_answer=True)
    spans = model.predict((QUESTION, SHORT)).spans
    assert {one.text for one in spans} == {*SHORT.replace(",", " ,").split(), ""}
    assert [one for one in spans if not one.text] == [ContextSpan(0, 0, "", pytest.approx(spans[-1].score, abs=1))]

    assert model.predict(
        [("", SHORT), (QUESTION, " "), {"question": 7, "context": SHORT}, ("my parcel " * 40, SHORT)]
    ) == [
        Rejected("question: the text is empty"),
        Rejected("context: the text is empty"),
        Rejected("question: the input is int, not text"),
        Rejected("the question has 82 tokens, and the model reads 64 with a part of the text"),
    ]

    capsys.readouterr()
    assert main(["predict", card.name, QUESTION, SHORT, "--json", "--device", "cpu"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (span,) = answer["prediction"]["spans"]
    assert SHORT[span["start"] : span["end"]] == span["text"]

    rows = [{"question": QUESTION, "passage": text} for text in (SHORT, LONG)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert (
        main(["predict", card.name, "--file", str(tmp_path / "rows.jsonl"), "--format", "csv", "--device", "cpu"]) == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert span["text"] in lines[1]


def test_models_that_read_more_than_texts_are_refused() -> None:
    config = {"model_type": "layoutlm", "architectures": ["LayoutLMForQuestionAnswering"]}
    with pytest.raises(Unsupported, match="toy is a LayoutLMForQuestionAnswering, which reads more than texts"):
        card_for("toy", config, Weights(files=(), sources=()), {})
