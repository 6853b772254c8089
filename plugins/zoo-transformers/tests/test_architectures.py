"""Many architectures, each pulled from a Hub, asked, trained two steps, and loaded without zoo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo import Card, Example, SpanMark

CLASSIFY, TAG, FILL, EMBED = "text-classification", "token-classification", "fill-mask", "feature-extraction"
WRITE = "text-generation"
ENCODER = (CLASSIFY, TAG, FILL, EMBED)
DECODER = (CLASSIFY, TAG, EMBED, WRITE)
GROUPED = {"num_key_value_heads": 2, "head_dim": 8}
SEQ2SEQ = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4, "decoder_start_token_id": 0}
ARCHITECTURES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "albert": (ENCODER, {"embedding_size": 16}),
    "bart": ((CLASSIFY,), SEQ2SEQ),
    "big_bird": (ENCODER, {"attention_type": "original_full"}),
    "camembert": (ENCODER, {}),
    "cohere": ((WRITE,), GROUPED),
    "convbert": (ENCODER, {}),
    "deberta": (ENCODER, {}),
    "deberta-v2": (ENCODER, {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"]}),
    "distilbert": (ENCODER, {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}),
    "electra": (ENCODER, {"embedding_size": 32}),
    "fnet": (ENCODER, {}),
    "gemma": (DECODER, GROUPED),
    "gemma2": (DECODER, GROUPED),
    "gpt2": (DECODER, {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 80}),
    "gpt_neox": (DECODER, {}),
    "gpt_neo": ((WRITE,), {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]}),
    "granite": ((WRITE,), {**GROUPED, "logits_scaling": 4.0}),
    "llama": (DECODER, GROUPED),
    "mamba": ((WRITE,), {}),
    "mistral": (DECODER, GROUPED),
    "modernbert": (ENCODER, {"cls_token_id": 2, "sep_token_id": 3}),
    "mpnet": (ENCODER, {}),
    "nystromformer": (ENCODER, {}),
    "opt": ((CLASSIFY, EMBED, WRITE), {"word_embed_proj_dim": 32, "ffn_dim": 64}),
    "phi": (DECODER, {}),
    "phi3": (DECODER, GROUPED),
    "qwen2": ((CLASSIFY, EMBED, WRITE), GROUPED),  # the pipeline of transformers guesses where its words are
    "qwen3": (DECODER, GROUPED),
    "roberta": (ENCODER, {}),
    "smollm3": (DECODER, GROUPED),
    "t5": ((CLASSIFY,), T5),
    "xlm-roberta": (ENCODER, {}),
    "xlm-roberta-xl": (ENCODER, {}),
}
"""`model_type` to what is made of it here, and what its configuration has beside the usual sizes."""
CASES = [(model_type, task) for model_type in ARCHITECTURES for task in ARCHITECTURES[model_type][0]]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("model_type", "task"), CASES)
def test_a_pulled_model_answers_as_transformers_does_and_is_taken_further(
    model_type: str,
    task: str,
    make_model: Callable[..., Any],
    train: Callable[..., Path],
    pull: Callable[..., Card],
    tmp_path: Path,
) -> None:
    network = make_model(model_type, task, tmp_path / "published", **ARCHITECTURES[model_type][1])
    card = pull(tmp_path / "published")

    short = {"max_tokens": NEW_TOKENS} if task == WRITE else {}
    CHECKS[task](tmp_path / "published", zoo.load(card.name, device="cpu", precision="fp32", **short))

    if task == "text-classification":
        examples = [Example(text, "yn"[i % 2], i + 1) for i, text in enumerate(TEXTS * 2)]
        result = train(card, "finetune", task, tmp_path / "run", examples)
    elif task == "token-classification":
        spans = [Example(text, (SpanMark(9, 11, "a"), SpanMark(12, 18, "b")), i) for i, text in enumerate(TEXTS, 1)]
        result = train(card, "finetune", task, tmp_path / "run", spans)
    elif task == "fill-mask":
        result = train(card, "pretrain", task, tmp_path / "run", [Example(text, None, 1) for text in TEXTS])
    elif task == "text-generation":
        result = train(card, "finetune", task, tmp_path / "run", [Example(text, None, 1) for text in TEXTS])
    else:
        return
    report = type(network).from_pretrained(result, output_loading_info=True)[1]
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]


NEW_TOKENS = 24
TEXTS = ("where is my parcel today", "the app closes again")


def classifies(published: Path, model: Any) -> None:
    import transformers

    pipeline = transformers.pipeline("text-classification", str(published), top_k=None)
    for text, answer, expected in zip(TEXTS, model.predict(list(TEXTS)), pipeline(list(TEXTS)), strict=True):
        actual = {score.label: score.probability for score in answer.scores}
        assert actual == pytest.approx({one["label"]: one["score"] for one in expected}, abs=1e-5), text


def tags(published: Path, model: Any) -> None:
    import transformers

    pipeline = transformers.pipeline("token-classification", str(published), aggregation_strategy="first")
    for text, answer, expected in zip(TEXTS, model.predict(list(TEXTS)), pipeline(list(TEXTS)), strict=True):
        spans = [(span.start, span.end, span.label) for span in answer.spans]
        assert spans == [(one["start"], one["end"], one["entity_group"]) for one in expected], text


def fills(published: Path, model: Any) -> None:
    import transformers

    text = "where is my [MASK] today"
    answer = model.predict(text)
    expected = transformers.pipeline("fill-mask", str(published))(text)
    assert [score.label for score in answer.scores] == [one["token_str"] for one in expected]
    assert [score.probability for score in answer.scores] == pytest.approx([one["score"] for one in expected], abs=1e-5)


def gives_vectors(published: Path, model: Any) -> None:
    import torch
    import transformers

    vectors = transformers.pipeline("feature-extraction", str(published), return_tensors=True)(TEXTS[0])
    expected = torch.nn.functional.normalize(vectors[0].mean(0), dim=-1)
    assert list(model.predict(TEXTS[0]).vector) == pytest.approx(expected.tolist(), abs=1e-5)


def writes(published: Path, model: Any) -> None:
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(published)
    network = transformers.AutoModelForCausalLM.from_pretrained(published, dtype=torch.float32)
    for text, answer in zip(TEXTS, model.predict(list(TEXTS)), strict=True):
        ids = tokenizer(text, return_tensors="pt")
        written = network.generate(**ids, max_new_tokens=NEW_TOKENS, do_sample=False)[0]
        prompt = tokenizer.decode(ids["input_ids"][0], skip_special_tokens=True)
        assert prompt + answer.text == tokenizer.decode(written, skip_special_tokens=True), text


CHECKS: dict[str, Callable[[Path, Any], None]] = {
    "text-classification": classifies,
    "token-classification": tags,
    "fill-mask": fills,
    "feature-extraction": gives_vectors,
    "text-generation": writes,
}
