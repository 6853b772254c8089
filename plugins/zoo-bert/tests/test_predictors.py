"""Predictions are those of transformers, in order, whatever the batches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, pipeline
from zoo_bert.plugin import predict as load

from zoo import Classification, Embedding, FilledMask, Rejected, Unsupported
from zoo.task import Task

TEXTS = [
    "my parcel never came",
    "money back please " * 12,
    "the app",
    "Where are the shoes?! " * 40,
    "lamp",
    "my parcel never came",
]


def test_labels_and_probabilities_are_those_of_the_pipeline(classifier: Path, make_prediction) -> None:
    theirs = pipeline("text-classification", model=str(classifier), top_k=None, device="cpu")
    answers = load(make_prediction(classifier, "text-classification")).predict(TEXTS)
    for answer, expected in zip(answers, theirs(TEXTS, truncation=True), strict=True):
        assert isinstance(answer, Classification)
        assert [row["label"] for row in expected] == [score.label for score in answer.scores]
        assert [row["score"] for row in expected] == pytest.approx([s.probability for s in answer.scores], abs=1e-5)


def test_answers_do_not_depend_on_the_batches(classifier: Path, make_prediction) -> None:
    one_by_one = load(make_prediction(classifier, "text-classification", batch_tokens=64)).predict(TEXTS * 3)
    at_once = load(make_prediction(classifier, "text-classification", batch_tokens=100_000)).predict(TEXTS * 3)
    for a, b in zip(one_by_one, at_once, strict=True):
        assert isinstance(a, Classification)
        assert isinstance(b, Classification)
        assert a.label == b.label
        assert a.probability == pytest.approx(b.probability, abs=1e-5)


def test_what_cannot_be_answered_is_rejected_in_its_place(classifier: Path, make_prediction) -> None:
    inputs = ["my parcel", None, " \n", 7, "bad \udcff byte", "the app", b"bytes"]
    answers = load(make_prediction(classifier, "text-classification")).predict(inputs)
    assert [
        None,
        "the input is NoneType, not text",
        "the text is empty",
        "the input is int, not text",
        "the text holds bytes that are not UTF-8",
        None,
        "the input is bytes, not text",
    ] == [answer.reason if isinstance(answer, Rejected) else None for answer in answers]


@pytest.mark.parametrize("task", ["text-classification", "fill-mask", "feature-extraction"])
def test_nothing_in_is_nothing_out(task: str, classifier: Path, language_model: Path, make_prediction) -> None:
    predictor = load(make_prediction(language_model if task == "fill-mask" else classifier, task))
    assert [] == predictor.predict([])
    assert [Rejected("the text is empty")] == predictor.predict([""])


def test_top_k_labels_are_the_first_of_all(classifier: Path, make_prediction) -> None:
    (every,) = load(make_prediction(classifier, "text-classification")).predict(TEXTS[:1])
    (two,) = load(make_prediction(classifier, "text-classification", top_k=2)).predict(TEXTS[:1])
    (ten,) = load(make_prediction(classifier, "text-classification", top_k=10)).predict(TEXTS[:1])
    assert isinstance(every, Classification)
    assert 1.0 == pytest.approx(sum(score.probability for score in every.scores), abs=1e-6)
    assert Classification(every.scores[:2]) == two
    assert every == ten


def test_longer_texts_are_cut_where_the_model_was_trained_to_or_sooner(classifier: Path, make_prediction) -> None:
    long = "my parcel never came " * 200
    as_trained = load(make_prediction(classifier, "text-classification"))
    shorter = load(make_prediction(classifier, "text-classification", max_tokens=16))
    assert as_trained.predict([long]) == as_trained.predict([long + "the app " * 100])
    assert as_trained.predict([long]) != shorter.predict([long])


def test_bf16_gives_nearly_the_same(classifier: Path, make_prediction) -> None:
    exact = load(make_prediction(classifier, "text-classification")).predict(TEXTS)
    predictor = load(make_prediction(classifier, "text-classification", precision="bf16"))
    assert {torch.bfloat16} == {parameter.dtype for parameter in predictor.module.parameters()}
    for a, b in zip(exact, predictor.predict(TEXTS), strict=True):
        assert isinstance(a, Classification)
        assert isinstance(b, Classification)
        assert {s.label: s.probability for s in a.scores} == pytest.approx(
            {s.label: s.probability for s in b.scores}, abs=0.1
        )


def test_fillings_are_those_of_the_pipeline(language_model: Path, make_prediction) -> None:
    texts = ["My parcel [MASK] late", "the [MASK] closes"]
    theirs = pipeline("fill-mask", model=str(language_model), device="cpu")
    answers = load(make_prediction(language_model, "fill-mask")).predict(texts)
    for text, answer, expected in zip(texts, answers, theirs(texts), strict=True):
        assert isinstance(answer, FilledMask)
        assert [row["token_str"] for row in expected] == [score.label for score in answer.scores]
        assert [row["score"] for row in expected] == pytest.approx([s.probability for s in answer.scores], abs=1e-5)
        best = answer.scores[0].label
        assert answer.text in (text.replace("[MASK]", best), text.replace(" [MASK]", best.removeprefix("##")))


def test_a_filling_that_continues_a_word_is_joined_to_it(language_model: Path, make_prediction) -> None:
    predictor = load(make_prediction(language_model, "fill-mask"))
    vocabulary = predictor._tokenizer.get_vocab()
    ending = next(piece for piece in vocabulary if piece.startswith("##"))
    with torch.no_grad():
        predictor.module.cls.predictions.bias[vocabulary[ending]] = 1000.0
    (answer,) = predictor.predict(["My Parcel [MASK], late"])
    assert isinstance(answer, FilledMask)
    assert f"My Parcel{ending[2:]}, late" == answer.text


def test_a_text_needs_exactly_one_mask_within_reach(language_model: Path, make_prediction) -> None:
    answers = load(make_prediction(language_model, "fill-mask", max_tokens=16)).predict(
        ["none", "[MASK] and [MASK]", "so " * 40 + "[MASK]", "my [MASK]"]
    )
    assert [
        "the text has 0 times [MASK]; it needs exactly one",
        "the text has 2 times [MASK]; it needs exactly one",
        "[MASK] stands beyond the first 16 tokens",
    ] == [answer.reason for answer in answers if isinstance(answer, Rejected)]
    assert isinstance(answers[3], FilledMask)
    assert 5 == len(answers[3].scores)


def test_embeddings_of_minilm_are_what_its_publisher_documents(minilm: Path, make_prediction) -> None:
    answers = load(make_prediction(minilm, "feature-extraction", name="all-minilm-l6-v2")).predict(TEXTS)
    tokenizer, model = AutoTokenizer.from_pretrained(minilm), AutoModel.from_pretrained(minilm).eval()
    inputs = tokenizer(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).float()
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9))
    vectors = [answer.vector for answer in answers if isinstance(answer, Embedding)]
    torch.testing.assert_close(expected, torch.tensor(vectors), atol=1e-5, rtol=0)


def test_minilm_reads_as_many_tokens_as_its_publisher_advises(minilm: Path, make_prediction) -> None:
    predictor = load(make_prediction(minilm, "feature-extraction", name="all-minilm-l6-v2"))
    texts = ["word " * 254, "word " * 254 + "unread", "word " * 200]
    read, cut, short = predictor.predict(texts)
    assert read == cut
    assert read != short


def test_a_head_that_is_missing_is_not_made_up(minilm: Path, make_prediction) -> None:
    from zoo import StoreInvalid

    with pytest.raises(StoreInvalid, match="lack 2 tensors, such as classifier"):
        load(make_prediction(minilm, "text-classification", name="all-minilm-l6-v2"))


def test_embeddings_do_not_need_a_pooler(language_model: Path, make_prediction) -> None:
    (answer,) = load(make_prediction(language_model, "feature-extraction")).predict(["my parcel"])
    assert isinstance(answer, Embedding)
    assert 128 == len(answer.vector)


def test_a_task_that_is_not_offered_is_refused(classifier: Path, make_prediction) -> None:
    import msgspec

    run = make_prediction(classifier, "text-classification")
    other: Task = msgspec.structs.replace(run.task, name="translation")
    from dataclasses import replace

    with pytest.raises(Unsupported, match="does not do translation"):
        load(replace(run, task=other))


def test_loading_says_nothing_and_leaves_transformers_as_it_was(
    classifier: Path, make_prediction, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load(make_prediction(classifier, "feature-extraction")).predict(["my parcel"])
    assert before == (logging.get_verbosity(), logging.is_progress_bar_enabled())
    assert ("", "") == capfd.readouterr()
