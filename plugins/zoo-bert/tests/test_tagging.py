"""Spans as targets: losses, results and answers agree with transformers; no text is cut, whatever its length."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification
from zoo_bert.config import head_of, read_config

from zoo import Example, ProbabilityTable, Rejected, SpanMark, TaggedSpans, Teaching, TrainingRun
from zoo.metrics.tags import conlleval_spans, plain_tags
from zoo.portions import Portions
from zoo.runs.events import Noted, Warned
from zoo.tasks import get_task
from zoo.testing import PluginHooks
from zoo.training.batches import EVALUATION, MicroBatch
from zoo.training.examples import encode
from zoo.training.frozen import ReducedExamples, reduce
from zoo.training.objectives.taught import OF_TEACHER, Taught
from zoo.training.text.answering import Lookahead
from zoo.words import spaced_words

plugin = PluginHooks("bert")

TASK = "token-classification"
TYPES = ("person", "place")
NAMES = {"person": ("Ada", "Ada Lovelace", "Bob", "Mr. O'Neill"), "place": ("Ulm", "New York", "Rome")}
COMMON = ["saw", "told", "near", "with", "and", "the", "old", "red", "then,", "not", "far", "from.", "again"]


def sentence(draw: random.Random, row: int, length: int) -> Example:
    """A text with names among other words, and where they stand."""
    text, spans = "", []
    for _ in range(length):
        text += " " if text else ""
        if draw.random() < 0.3:
            label = draw.choice(TYPES)
            name = draw.choice(NAMES[label])
            spans.append(SpanMark(len(text), len(text) + len(name), label))
            text += name
        else:
            text += draw.choice(COMMON)
    return Example(text, tuple(spans), row)


DRAW = random.Random(5)
ROWS = tuple(sentence(DRAW, row, 60 if row % 8 == 0 else 3 + row % 6) for row in range(1, 57))
"""Every eighth is a few times longer than the others."""
MakeTask = Callable[..., TrainingRun]


@pytest.fixture
def make_task(make_run) -> MakeTask:
    """A run of few rows."""

    def make(**arguments: Any) -> TrainingRun:
        rows = arguments.pop("rows", ROWS)
        run = make_run(labels=TYPES, train=rows[:40], eval=rows[40:], **arguments)
        return dataclasses.replace(run, task=get_task(TASK))

    return make


def keys(answer: Any) -> list[tuple[int, int, str]]:
    assert isinstance(answer, TaggedSpans)
    return [(span.start, span.end, span.label) for span in answer.spans]


def test_losses_are_means_over_words_and_together_those_of_transformers(make_task, tmp_path: Path) -> None:
    run = make_task(options={"max_tokens": 16})
    objective = plugin.finetune(run)
    objective.module.eval()
    features = objective.features(run.train[:8])
    batch = objective.collate(features, [0] * 8, training=True)
    with torch.no_grad():
        output = objective.losses(objective.module, batch)
        objective.export(objective.module, tmp_path)
        model = BertForTokenClassification.from_pretrained(tmp_path)
        theirs = model(**{name: batch[name] for name in ("input_ids", "attention_mask")}, labels=batch["tags"])
    weights = output.weights
    assert weights is not None
    assert (8,) == output.losses.shape
    assert weights.tolist() == [len(one.tags) for one in features]
    assert len(batch["texts"]) > 8, "the long one has several windows, and is one example"
    torch.testing.assert_close((output.losses * weights).sum() / weights.sum(), theirs.loss, rtol=1e-4, atol=0)
    assert dict(enumerate(("O", "B-person", "I-person", "B-place", "I-place"))) == model.config.id2label
    assert head_of(read_config(tmp_path)) == objective.head_config
    alone = objective.collate(features[7:8], [0], training=True)
    with torch.no_grad():
        torch.testing.assert_close(objective.losses(objective.module, alone).losses, output.losses[7:8])


def test_no_span_is_lost_and_none_is_made_up(make_task) -> None:
    messages: list[Any] = []
    run = make_task(options={"max_tokens": 12}, emit=messages.append)
    objective = plugin.finetune(run)
    features = objective.features(run.train)
    assert [len(one.truths) for one in features] == [len(example.target) for example in run.train]
    assert all(truth[0] >= 0 for one in features for truth in one.truths)
    (note,) = (one.message for one in messages if isinstance(one, Noted) and "tokens" in one.message)
    assert "none is cut" in note
    assert "are seen in windows of 12 that overlap" in note
    assert not [one for one in messages if isinstance(one, Warned)]
    batch = objective.collate(features, [0] * len(features), training=False)
    tags = batch["tags"][batch["tags"] != -100]
    expected = [tag for one in features for tag in one.tags]
    assert tags.tolist() == expected, "words come in the order of the texts"
    metrics = objective.metrics()
    certain = torch.nn.functional.one_hot(batch["tags"].clamp(min=0), 5).float() * 50
    output = objective.losses(lambda **inputs: certain, batch)
    objective.update_metrics(metrics, output, len(features))
    assert metrics.compute()["span_f1"] == 1.0


def test_words_are_told_apart_as_those_of_the_data_are(make_task, tmp_path: Path) -> None:
    text = "Mr. O'Neill (of Ulm) told Bob."
    apart = plugin.finetune(make_task())
    inside = (*ROWS, Example("Ulm-based", (SpanMark(0, 3, "place"),), 99))
    for name, objective, words in (
        ("apart", apart, ("Mr.", "O'Neill", "(", "of", "Ulm", ")", "told", "Bob", ".")),
        (
            "inside",
            plugin.finetune(make_task(rows=inside[::-1])),
            ("Mr", ".", "O", "'", "Neill", "(", "of", "Ulm", ")", "told", "Bob", "."),
        ),
    ):
        (read,) = objective.body.encode_words([text], spaced=objective.head_config.words_spaced)
        assert tuple(text[start:end] for start, end in read.words) == words, name
        (tmp_path / name).mkdir()
        objective.export(objective.module, tmp_path / name)
        assert head_of(read_config(tmp_path / name)) == objective.head_config
    one, other = (plugin.finetune(make_task(rows=rows, options={"private": "eps=8"})) for rows in (ROWS, inside[::-1]))
    assert one.head_config == other.head_config, "privately, one row more changes how no other is read"


def test_a_span_that_is_no_whole_words_is_told_and_counted_as_missed(make_task) -> None:
    messages: list[Any] = []
    rows = (
        *ROWS,
        Example("Rome€ again", (SpanMark(0, 4, "place"),), 90),
        Example("Ada", (SpanMark(0, 2, "person"),), 91),
    )
    run = make_task(rows=rows, emit=messages.append)
    objective = plugin.finetune(run)
    (cut,) = objective.features(rows[-1:])
    assert (cut.tags, cut.truths) == ([1], [(-1, -1, 0)])
    (warning,) = {one.message for one in messages if isinstance(one, Warned)}
    assert warning.startswith("1 of 1 spans begin or end within a word as bert-tiny reads it")
    batch = objective.collate([cut], [0], training=False)
    metrics = objective.metrics()
    objective.update_metrics(metrics, objective.losses(objective.module, batch), 1)
    assert metrics.compute()["recall"] == 0.0


def test_what_a_frozen_body_said_leads_to_the_same_losses_and_spans(make_task) -> None:
    """Once for all texts, those without words and those of several windows among them, and however long."""
    run = make_task(options={"max_tokens": 16, "method": "head"}, rows=(*ROWS, Example(" \u200b", (), 99)))
    objective = plugin.finetune(run)
    objective.module.eval()
    examples = encode(objective, run.eval, run.options, set_aside=lambda rejected: None)
    objective.evaluation_batch_size = 4
    once = reduce(objective, examples, Accelerator(cpu=True), lambda: False, Portions())
    assert isinstance(once, ReducedExamples)
    results: list[tuple[dict[str, float], list[float], list[float]]] = []
    for of_all in (examples, once):
        batch, _ = of_all.collate(MicroBatch(list(range(len(run.eval))), len(run.eval)), epoch=EVALUATION)
        with torch.no_grad():
            output = objective.losses(objective.module, batch)
        metrics = objective.metrics()
        objective.update_metrics(metrics, output, len(run.eval))
        assert output.weights is not None
        results.append((metrics.compute(), output.losses.tolist(), output.weights.tolist()))
    for value, expected in zip(*reversed(results), strict=True):
        assert value == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert results[0][2][-1] == 0


def as_a_teacher_says(texts: Sequence[Any], objective: Any, draws: np.random.Generator) -> list[TaggedSpans]:
    """Any probabilities of the tags of the words of texts, each a word apart."""
    tags = objective.head_config.labels
    return [
        TaggedSpans(
            text,
            (),
            words=tuple(spaced_words(text)),
            probabilities=ProbabilityTable.of(draws.dirichlet([0.5] * len(tags), len(spaced_words(text))), tags),
        )
        for text in texts
    ]


def test_what_a_teacher_says_of_words_is_learnt_in_windows_and_on_a_frozen_body(make_task) -> None:
    """The mean over the words of the divergence of softened probabilities, the same in all three ways."""
    run = make_task(options={"max_tokens": 16, "method": "head"})
    objective = plugin.finetune(run)
    objective.module.eval()
    answers = as_a_teacher_says([one.input for one in run.train], objective, np.random.default_rng(2))
    by_example = {id(one): answer for one, answer in zip(run.train, answers, strict=True)}
    taught = Taught(objective, Teaching(answers=by_example, share=1.0, temperature=2.0))
    examples = encode(taught, run.train, run.options, set_aside=lambda rejected: None)
    taught.evaluation_batch_size = 4
    once = reduce(taught, examples, Accelerator(cpu=True), lambda: False, Portions())
    assert isinstance(once, ReducedExamples)
    part = MicroBatch([0, 7, 15, 3], 4)
    with torch.no_grad():
        batch, _ = examples.collate(part, epoch=0)
        in_windows = taught.losses(taught.module, batch)
        frozen = taught.losses(taught.module, once.collate(part, epoch=0)[0])
        assert len(batch["texts"]) > 4, "the long ones have several windows"
        plain = {name: tensor for name, tensor in batch.items() if not name.startswith(OF_TEACHER)}
        logits = objective.losses(objective.module, plain).logits
        assert logits is not None
        for number, index in enumerate(part.indices):
            table = answers[index].probabilities
            assert table is not None
            said = torch.from_numpy(table.array()).clamp(min=1e-7).log()
            own = logits[batch["texts"] == number][batch["tags"][batch["texts"] == number] != -100]
            teacher, student = ((scores / 2).log_softmax(-1) for scores in (said, own))
            expected = (teacher.exp() * (teacher - student)).sum(-1).mean() * 4
            torch.testing.assert_close(in_windows.losses[number], expected, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(frozen.losses, in_windows.losses, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_pupil_learns_spans_from_a_teacher_that_divides_texts_into_other_words(make_task, make_prediction) -> None:
    rows = (*ROWS, Example("Ulm-based", (SpanMark(0, 3, "place"),), 99))[::-1]  # the pupil's words are parts
    teaching_run = make_task(options={"epochs": 12.0, "batch_size": 8, "lr": 2e-3})
    plugin.finetune(teaching_run).fit(teaching_run)
    teacher = plugin.predict(make_prediction(teaching_run.model_folder, TASK, probabilities=True))
    untold = tuple(Example(one.input, (), one.row) for one in rows)
    run = make_task(options={"epochs": 12.0, "batch_size": 8, "lr": 2e-3}, rows=untold)
    answers = teacher.predict([one.input for one in run.train])
    by_example = {id(one): answer for one, answer in zip(run.train, answers, strict=True)}
    run = dataclasses.replace(run, eval=ROWS[40:], teaching=Teaching(answers=by_example, share=1.0, temperature=2.0))
    result = plugin.finetune(run).fit(run)
    assert result.metrics["span_f1"] > 0.8


def spans_by_pipeline(names: dict[str, Any], text: str) -> list[tuple[int, int, str]]:
    return [(one["start"], one["end"], one["entity_group"]) for one in names["tagger"](text)]


def spans_by_words(names: dict[str, Any], text: str) -> list[tuple[int, int, str]]:
    words = spaced_words(text)
    tags = plain_tags(names["tag"]([text[start:end] for start, end in words]))
    return [(words[first][0], words[end - 1][1], label) for first, end, label in conlleval_spans(tags)]


# peft asks transformers by a name that transformers is about to drop.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_zoo_and_transformers_agree_about_results(method: str, make_task, make_prediction) -> None:
    inside = (Example("Ulm-based", (SpanMark(0, 3, "place"),), 99), *ROWS[1:])  # words do not stand apart
    options = {"method": method, "epochs": 8.0, "batch_size": 8, "lr": 2e-3, "max_tokens": 24}
    run = make_task(options=options, rows=inside if method == "head" else ROWS)
    result = plugin.finetune(run).fit(run)
    texts = [example.input for example in run.eval]
    answers = plugin.predict(make_prediction(run.model_folder, TASK, raw_spans=True)).predict(texts)
    judge = run.task.new_judge(TYPES)
    for example, answer in zip(run.eval, answers, strict=True):
        judge.add(example.target, answer)
    figures = judge.compute()
    assert figures == pytest.approx({name: value for name, value in result.metrics.items() if name != "loss"})
    if method == "full":
        assert figures["span_f1"] > 0.9

    (code,) = re.findall(
        r"```python\n(.*?)```", (run.model_folder / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(code.replace("this folder", str(run.model_folder)), names)
    shorts = [(text, answer) for text, answer in zip(texts, answers, strict=True) if len(text) < 60]
    for text, answer in shorts:
        if isinstance(answer, TaggedSpans) and answer.raw_spans is None:
            assert (spans_by_words if method != "head" else spans_by_pipeline)(names, text) == keys(answer), text
    if method == "lora":
        adapter = load_file(run.model_folder / "adapter" / "adapter_model.safetensors")
        weight = load_file(run.model_folder / "model.safetensors")["classifier.weight"]
        heads = [tensor for name, tensor in adapter.items() if name.endswith("classifier.weight")]
        assert [True] == [torch.equal(head, weight) for head in heads]


@pytest.mark.slow
def test_resume_equals_never_having_stopped(make_task, tmp_path: Path) -> None:
    options = {"epochs": 3.0, "batch_size": 8, "max_tokens": 24}
    whole = make_task(folder=tmp_path / "whole", options=options)
    expected = plugin.finetune(whole).fit(whole)
    looks = iter(range(1, 10**6))
    stopped = dataclasses.replace(
        make_task(folder=tmp_path / "parts", options=options), should_stop=lambda: next(looks) > 9
    )
    assert plugin.finetune(stopped).fit(stopped).cancelled
    resumed = dataclasses.replace(stopped, should_stop=lambda: False)

    assert expected.metrics == plugin.finetune(resumed).fit(resumed).metrics
    for name in ("model.safetensors", "config.json"):
        assert (whole.model_folder / name).read_bytes() == (resumed.model_folder / name).read_bytes()


SCHEMES = {
    "IOB1": ("I-PER", "B-PER", "I-LOC", "O"),
    "IOB2": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    "BIOES": ("O", "B-PER", "I-PER", "E-PER", "S-PER"),
    "types": ("O", "noun", "verb"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_models_of_others_answer_as_their_tags_say(
    scheme: str, make_task, make_prediction, language_model: Path, tmp_path: Path
) -> None:
    labels = SCHEMES[scheme]
    config = BertConfig.from_pretrained(language_model, id2label=dict(enumerate(labels)), initializer_range=0.5)
    torch.manual_seed(0)
    model = BertForTokenClassification(config).eval()
    model.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(language_model)
    tokenizer.save_pretrained(tmp_path)
    texts = ["where is my parcel (the lamp)?", "my shoes"]
    answers = plugin.predict(make_prediction(tmp_path, TASK)).predict([*texts, 7])
    assert isinstance(answers.pop(), Rejected)
    for text, answer in zip(texts, answers, strict=True):
        encoding = tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        offsets, numbers = encoding.pop("offset_mapping")[0].tolist(), encoding.word_ids()
        with torch.no_grad():
            best = model(**encoding).logits[0].argmax(-1).tolist()
        firsts = [i for i, number in enumerate(numbers) if number is not None and number not in numbers[:i]]
        lasts = [max(i for i, number in enumerate(numbers) if number == numbers[first]) for first in firsts]
        spans = conlleval_spans([plain_tags(labels)[best[first]] for first in firsts])
        expected = [(offsets[firsts[a]][0], offsets[lasts[b - 1]][1], label) for a, b, label in spans]
        assert keys(answer) == expected


def test_answers_do_not_depend_on_neighbours_and_long_texts_are_read_whole(
    make_task, make_prediction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_task(options={"max_tokens": 16})
    objective = plugin.finetune(run)
    with torch.no_grad():
        objective.module.head.classifier.weight.mul_(100)
    objective.export(objective.module.eval(), tmp_path)
    long = " ".join(example.input for example in ROWS[:20])
    texts = [long, *(example.input for example in ROWS[:6]), "\u200b", "one"]
    predictor = plugin.predict(make_prediction(tmp_path, TASK))
    answers = predictor.predict(texts)
    for text, answer in zip(texts, answers, strict=True):
        assert isinstance(answer, TaggedSpans)
        (alone,) = predictor.predict([text])
        assert keys(alone) == keys(answer)
        assert answer.numbers() == pytest.approx(alone.numbers(), abs=1e-4)
        assert answer.truncated_at is None
    first = answers[0]
    assert isinstance(first, TaggedSpans)
    assert first.spans[-1].end > 0.8 * len(long)

    monkeypatch.setattr(Lookahead, "on", classmethod(lambda cls, device: cls(padded=True)))
    for padded, answer in zip(plugin.predict(make_prediction(tmp_path, TASK)).predict(texts), answers, strict=True):
        assert keys(padded) == keys(answer)


def test_the_score_is_the_mean_probability_of_the_words(make_task, make_prediction, tmp_path: Path) -> None:
    run = make_task()
    objective = plugin.finetune(run)
    with torch.no_grad():
        objective.module.head.classifier.weight.zero_()
        objective.module.head.classifier.bias.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]))
    objective.export(objective.module.eval(), tmp_path)
    (answer,) = plugin.predict(make_prediction(tmp_path, TASK)).predict(["Ada saw"])
    begin, inside = 1 / (4 + np.e), np.e / (4 + np.e)
    assert isinstance(answer, TaggedSpans)
    (span,) = answer.spans
    assert (span.text, span.label) == ("Ada saw", "person")
    assert span.score == pytest.approx((begin + inside) / 2, abs=1e-6)
