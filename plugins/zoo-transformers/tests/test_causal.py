"""Models that write: read in one row or in several, with a cache or without, chatting, damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from zoo_transformers.plugin import card_for

import zoo
from zoo import Card, Example, HubSource, StoreInvalid, Unsupported, Weights, WeightsFile
from zoo.training.text.causal import CausalBody, RecomputingNetwork, causal_batch

TASK = "text-generation"
TEXTS = ("where is my parcel today", "the app", "please send the money back")
GROUPED = {"num_key_value_heads": 2, "head_dim": 8}
TEMPLATE = (
    "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)


@pytest.fixture(scope="session")
def qwen(make_model: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published model that writes; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("qwen")
    make_model("qwen2", TASK, folder, **GROUPED)
    return folder


@pytest.fixture
def published(qwen: Path, tmp_path: Path) -> Path:
    return shutil.copytree(qwen, tmp_path / "published")


def described(folder: Path) -> Card:
    names = [path.name for path in folder.iterdir()]
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in names),
        sources=(HubSource(repository="people/toy", revision="0" * 40),),
    )
    card = card_for("toy", json.loads((folder / "config.json").read_text()), weights, {})
    assert card is not None
    return card


def body_of(folder: Path, prediction: Callable[..., Any]) -> Any:
    from zoo_transformers.plugin import body

    return body(prediction(described(folder), folder))


@pytest.fixture
def prediction() -> Callable[..., Any]:
    from zoo.tasks import get_task
    from zoo.testing import PluginHooks

    def prediction(card: Card, folder: Path) -> zoo.PredictionRun:
        return zoo.PredictionRun(
            card=card,
            task=get_task(TASK),
            weights=folder,
            options=PluginHooks.options(card.ability("predict", TASK)),
            device="cpu",
            precision="fp32",
        )

    return prediction


@pytest.mark.parametrize("model_type", ["qwen2", "opt", "gpt_neox", "mamba"])
def test_texts_that_share_a_row_do_not_see_one_another(
    model_type: str, make_model: Callable[..., Any], prediction: Callable[..., Any], tmp_path: Path
) -> None:
    sizes = {"qwen2": GROUPED, "opt": {"word_embed_proj_dim": 32, "ffn_dim": 64}}.get(model_type, {})
    make_model(model_type, TASK, tmp_path / "published", **sizes)
    body = body_of(tmp_path / "published", prediction)
    one, other = (torch.tensor(ids) for ids in body.text_ids(["my parcel never came", "the app"]))
    shared = {
        "input_ids": torch.cat([one, other, torch.zeros(2, dtype=torch.long)])[None],
        "position_ids": torch.cat([torch.arange(len(one)), torch.arange(len(other)), torch.zeros(2, dtype=torch.long)])[
            None
        ],
        "segments": torch.tensor([[1] * len(one) + [2] * len(other) + [0, 0]]),
    }
    module = body.module.eval()
    with torch.inference_mode():
        together = body.logits(module, shared)[0]
        alone = [body.logits(module, causal_batch([ids]))[0] for ids in (one, other)]
    torch.testing.assert_close(together[: len(one)], alone[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(together[len(one) : len(one) + len(other)], alone[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("model_type", ["qwen2", "opt", "gemma2"])
def test_what_a_cache_remembers_is_what_would_be_computed_again(
    model_type: str, make_model: Callable[..., Any], prediction: Callable[..., Any], tmp_path: Path
) -> None:
    sizes = {"opt": {"word_embed_proj_dim": 32, "ffn_dim": 64}}.get(model_type, GROUPED)
    make_model(model_type, TASK, tmp_path / "published", **sizes)
    run = prediction(described(tmp_path / "published"), tmp_path / "published")
    body = body_of(tmp_path / "published", prediction)
    cached, again = body.generating_network(run), RecomputingNetwork(body, body.module.eval())
    rows = [torch.tensor(ids) for ids in body.text_ids(TEXTS)]
    ids, lengths = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])
    with torch.inference_mode():
        for ours, other, row in zip(cached.losses(ids, lengths), again.losses(ids, lengths), rows, strict=True):
            torch.testing.assert_close(ours[: len(row) - 1], other[: len(row) - 1], atol=1e-4, rtol=0)
        scores = cached.prefill(ids, lengths)
        torch.testing.assert_close(scores, again.prefill(ids, lengths), atol=1e-4, rtol=0)
        for network in (cached, again):
            network.keep(torch.tensor([0, 1]))
        for token in (7, 9):
            step = torch.tensor([token, token + 1])
            torch.testing.assert_close(cached.step(step), again.step(step), atol=1e-4, rtol=0)


def test_weights_without_the_layer_that_scores_tokens_are_refused(published: Path, pull: Callable[..., Card]) -> None:
    from safetensors.torch import load_file, save_file

    config = json.loads((published / "config.json").read_text())
    (published / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    state = {name: one for name, one in load_file(published / "model.safetensors").items() if "lm_head" not in name}
    save_file(state, published / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StoreInvalid, match=r"do not fit the network: lm_head\.weight"):
        zoo.load(pull(published).name, device="cpu").predict(TEXTS[0])


def test_scores_made_in_a_way_of_its_own_are_refused(
    published: Path, prediction: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    forward = transformers.Qwen2ForCausalLM.forward

    def doubled(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        output.logits = output.logits * 2
        return output

    monkeypatch.setattr(transformers.Qwen2ForCausalLM, "forward", doubled)
    with pytest.raises(
        Unsupported, match="toy is a Qwen2ForCausalLM, which makes scores of tokens in a way of its own"
    ):
        body_of(published, prediction)


def test_a_template_beside_the_weights_makes_it_chat(
    published: Path, pull: Callable[..., Card], train: Callable[..., Path], tmp_path: Path
) -> None:
    import transformers

    (published / "chat_template.jinja").write_text(TEMPLATE)
    card = pull(published)
    model = zoo.load(card.name, device="cpu", precision="fp32", max_tokens=8)
    message = [{"role": "user", "content": "where is my parcel"}]
    answer = model.predict([message])[0]
    assert answer == model.predict("user where is my parcel assistant ")
    result = train(card, "finetune", TASK, tmp_path / "run", [Example(text, None, 1) for text in TEXTS])
    assert transformers.AutoTokenizer.from_pretrained(result).chat_template == TEMPLATE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model_type", "sizes", "layers"),
    [
        ("qwen2", GROUPED, ("q_proj", "v_proj")),
        (  # of a shape that zoo-gpt leaves to others
            "gpt2",
            {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 80, "scale_attn_by_inverse_layer_idx": True},
            ("c_attn",),
        ),
    ],
)
def test_an_adapter_is_learnt(
    model_type: str,
    sizes: dict[str, Any],
    layers: tuple[str, ...],
    make_model: Callable[..., Any],
    pull: Callable[..., Card],
    train: Callable[..., Path],
    tmp_path: Path,
) -> None:
    import transformers

    make_model(model_type, TASK, tmp_path / "published", **sizes)
    card = pull(tmp_path / "published")
    assert card.plugin == "transformers"
    examples = [Example(text, None, number) for number, text in enumerate(TEXTS, 1)]
    result = train(card, "finetune", TASK, tmp_path / "run", examples, method="lora", lr=0.1)
    before = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "published").state_dict()
    network, report = transformers.AutoModelForCausalLM.from_pretrained(result, output_loading_info=True)
    assert not report["missing_keys"]
    changed = {name for name, one in network.state_dict().items() if not torch.equal(one, before[name])}
    assert changed
    assert all(any(layer in name for layer in layers) for name in changed)


def test_its_body_is_one_that_writes(published: Path, prediction: Callable[..., Any]) -> None:
    body = body_of(published, prediction)
    assert isinstance(body, CausalBody)
    assert body.eos_ids == (3,)
    assert body.bos_id == 2
    assert body.positions == 80


def test_what_is_said_of_generation_decides_what_ends_a_text(
    published: Path, pull: Callable[..., Card], prediction: Callable[..., Any]
) -> None:
    from zoo.fetch import locate

    (published / "generation_config.json").write_text(json.dumps({"eos_token_id": [3, 7]}))
    card = pull(published)
    assert card.weights is not None
    assert body_of(locate(card.weights), prediction).eos_ids == (3, 7)


def test_a_layer_that_shares_its_weights_is_in_no_file(
    make_model: Callable[..., Any], pull: Callable[..., Card], train: Callable[..., Path], tmp_path: Path
) -> None:
    import transformers
    from safetensors import safe_open

    make_model("qwen2", TASK, tmp_path / "published", **GROUPED, tie_word_embeddings=True)
    card = pull(tmp_path / "published")
    examples = [Example(text, None, number) for number, text in enumerate(TEXTS, 1)]
    result = train(card, "finetune", TASK, tmp_path / "run", examples, lr=0.1)
    for folder in (tmp_path / "published", result):
        with safe_open(folder / "model.safetensors", "pt") as file:
            assert "model.embed_tokens.weight" in file.keys()  # noqa: SIM118
            assert "lm_head.weight" not in file.keys()  # noqa: SIM118
    network = transformers.AutoModelForCausalLM.from_pretrained(result)
    assert network.lm_head.weight is network.model.embed_tokens.weight
    before = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "published")
    assert not torch.equal(network.lm_head.weight, before.lm_head.weight)
