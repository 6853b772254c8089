"""Small models made by transformers' own classes, a server shaped like the Hub, and runs in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from zoo import Card, Example, TrainingRun
from zoo.tasks import get_task
from zoo.testing import PluginHooks

TEXTS = (
    "where is my parcel today",
    "please send the money back",
    "the app closes again",
    "my parcel never came",
)
LABELS = ("delivery", "refund", "app")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
"""Of all, by the names that most configurations have for them."""
CLASSES = {
    "text-classification": "AutoModelForSequenceClassification",
    "fill-mask": "AutoModelForMaskedLM",
    "feature-extraction": "AutoModel",
    "token-classification": "AutoModelForTokenClassification",
    "text-generation": "AutoModelForCausalLM",
    "question-answering": "AutoModelForQuestionAnswering",
}
"""What a model is saved from, by what it answers then."""


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """On the loopback interface."""
    pytest.importorskip("tests.hub_server", reason="the server stands among the tests of zoo")
    from tests.hub_server import hub_server

    with hub_server() as server:
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HOME", os.environ["ZOO_HOME"] + "/hf")
        yield server


@pytest.fixture
def pull(hub: Any) -> Callable[..., Card]:
    """Serves a folder as `people/NAME`, pulls it, and gives its card."""
    from zoo.catalog import Catalog
    from zoo.cli import main

    def pull(folder: Path, name: str = "model") -> Card:
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        hub.serve_repository(f"people/{name}", files)
        assert main(["pull", f"hub:people/{name}"]) == 0
        return Catalog.load().resolve(name)

    return pull


@pytest.fixture(scope="session")
def train() -> Callable[..., Path]:
    """Trains a model two steps in this process, and gives the folder of the result."""
    return train_two_steps


def train_two_steps(card: Card, verb: str, task: str, folder: Path, examples: list[Example], **options: Any) -> Path:
    """See `train`."""
    from zoo.fetch import locate

    assert card.weights is not None
    folder.mkdir(exist_ok=True)
    target = get_task(task).target
    labels = tuple(sorted({label for one in examples for label in (target.labels_of(one.target) if target else ())}))
    run = TrainingRun(
        card=card,
        task=get_task(task),
        weights=locate(card.weights),
        train=tuple(examples),
        eval=(),
        labels=labels,
        options=PluginHooks.options(card.ability(verb, task), max_steps=2, **options),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=lambda event: None,
        should_stop=lambda: False,
    )
    getattr(PluginHooks(card.plugin), verb)(run).fit(run)
    return run.model_folder


@pytest.fixture(scope="session")
def save_tokenizer() -> Callable[[Path], None]:
    """Writes a tokenizer into the folder of a model; it has 90 tokens at most, the padding first."""
    return add_tokenizer


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Any]:
    """Saves a small model of random numbers for a task, with its tokenizer, as its publisher would."""
    return save_model


def save_model(model_type: str, task: str, folder: Path, **sizes: Any) -> Any:
    """See `make_model`; returns the network."""
    import torch
    import transformers

    config = transformers.AutoConfig.for_model(model_type, **{**SIZES, "vocab_size": len(tokenizer()), **sizes})
    labels = {"text-classification": LABELS, "token-classification": TAGS}.get(task)
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
    torch.manual_seed(0)
    network = getattr(transformers, CLASSES[task]).from_config(config).eval()
    network.save_pretrained(folder)
    add_tokenizer(folder, ends=task != "text-generation")
    return network


def add_tokenizer(folder: Path, *, ends: bool = True) -> None:
    """See `save_tokenizer`; with or without the token that ends a text."""
    tokenizer(ends=ends).save_pretrained(folder)
    stated = json.loads((folder / "tokenizer_config.json").read_text())
    stated["tokenizer_class"] = "PreTrainedTokenizerFast"  # that of the architecture would make another of the files
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))


@cache
def tokenizer(*, ends: bool = True) -> Any:
    """Word pieces of `TEXTS`."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=90, special_tokens=[*SPECIAL]))
    around = [(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]" if ends else "[CLS] $A",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=around,
    )
    names = {f"{token[1:-1].lower()}_token": token for token in SPECIAL}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        **names,
        bos_token="[CLS]",
        eos_token="[SEP]",
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    )
