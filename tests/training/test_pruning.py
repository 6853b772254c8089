"""What is left of a pruned transformer is a smaller one that transformers loads, and computes what the whole one would
compute without the units that went."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.training.toy import make_run
from zoo import Example, Unsupported
from zoo.training import Batch, Objective, Output
from zoo.training.packing import load_tensors
from zoo.training.pruning import kept_width, prune_folder

transformers = pytest.importorskip("transformers")

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 50}
BERT = transformers.BertConfig(**SHAPE, intermediate_size=128, max_position_embeddings=128)
ELECTRA = transformers.ElectraConfig(**SHAPE, embedding_size=32, intermediate_size=128, max_position_embeddings=64)
LLAMA = transformers.LlamaConfig(**SHAPE, num_key_value_heads=2, intermediate_size=128, pad_token_id=0)
DISTILBERT = transformers.DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=128, vocab_size=50)


class TwoClasses(Objective[list[int]]):
    """A network of transformers that tells two classes of texts apart."""

    def __init__(self, folder: Path) -> None:
        self.module: Any = transformers.AutoModelForSequenceClassification.from_pretrained(folder)

    def features(self, examples: Sequence[Example]) -> list[list[int]]:
        return [[ord(letter) % 50 for letter in example.input.ljust(8)[:8]] for example in examples]

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        return {"input_ids": torch.tensor(features)}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        targets = batch["input_ids"][:, 0] % 2
        return Output(functional.cross_entropy(module(**batch).logits, targets, reduction="none"), {})

    def metrics(self) -> Any:
        raise NotImplementedError

    def export(self, module: nn.Module, folder: Path) -> None:
        raise NotImplementedError


@pytest.fixture
def run(tmp_path: Path) -> Any:
    run, _ = make_run(tmp_path / "run")
    return dataclasses.replace(run, train=tuple(Example(f"{i} texts") for i in range(40)))


def saved(config: Any, folder: Path) -> Path:
    torch.manual_seed(0)
    transformers.AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    return folder


def logits(folder: Path) -> torch.Tensor:
    network, report = transformers.AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    answer: torch.Tensor = network.eval()(input_ids=torch.arange(24).view(3, 8)).logits
    return answer.detach()


@pytest.mark.parametrize(
    ("config", "smaller", "said"),
    [
        (BERT, {"intermediate_size": 64}, "heads stay, as its configuration ties their width to that of the model"),
        (DISTILBERT, {"hidden_dim": 64}, "heads stay, as its configuration ties their width to that of the model"),
        (
            LLAMA,
            {"intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8},
            "2 of 4 heads",
        ),
    ],
    ids=["bert", "distilbert", "llama"],
)
def test_a_smaller_configuration_with_weights_that_fit(
    config: Any, smaller: dict[str, int], said: str, run: Any, tmp_path: Path
) -> None:
    whole = saved(config, tmp_path / "whole")
    done = prune_folder(whole, tmp_path / "pruned", 0.5, TwoClasses(whole), run)

    assert done == f"64 of 128 feed-forward units a layer kept, {said}"
    before, after = (json.loads((tmp_path / name / "config.json").read_bytes()) for name in ("whole", "pruned"))
    assert after == before | smaller
    assert logits(tmp_path / "pruned").shape == (3, 2)


def test_it_computes_what_the_whole_one_would_without_what_went(run: Any, tmp_path: Path) -> None:
    """The units that matter least are those whose removal changes the loss the least, to first order."""
    whole = saved(LLAMA, tmp_path / "whole")
    prune_folder(whole, tmp_path / "pruned", 0.5, TwoClasses(whole), run)
    before, after = (load_tensors(tmp_path / name / "model.safetensors") for name in ("whole", "pruned"))
    masked = saved(LLAMA, tmp_path / "masked")
    state = dict(before)
    for name in before:
        if name.endswith(("down_proj.weight", "o_proj.weight")):
            kept = (before[name][:, :, None] == after[name][:, None, :]).all(0).any(1)
            assert int(kept.sum()) == after[name].shape[1]
            state[name] = before[name] * kept
    network = transformers.AutoModelForSequenceClassification.from_pretrained(masked)
    network.load_state_dict(state)
    network.save_pretrained(masked)

    assert torch.allclose(logits(masked), logits(tmp_path / "pruned"), atol=1e-5)


def test_a_unit_that_changes_nothing_goes_first(run: Any, tmp_path: Path) -> None:
    whole = saved(BERT, tmp_path / "whole")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(whole)
    for layer in network.bert.encoder.layer:
        layer.output.dense.weight.data[:, ::2] = 0
    network.save_pretrained(whole)
    before = logits(whole)
    prune_folder(whole, tmp_path / "pruned", 0.5, TwoClasses(whole), run)

    assert torch.allclose(before, logits(tmp_path / "pruned"), atol=1e-6)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (transformers.GPT2Config(n_embd=32, n_layer=1, n_head=4, vocab_size=50, pad_token_id=0), "cannot be pruned"),
        (
            transformers.ModernBertConfig(
                **SHAPE, intermediate_size=128, pad_token_id=0, cls_token_id=1, sep_token_id=2
            ),
            "in none of the forms that can be pruned",
        ),
    ],
    ids=["gpt2", "modernbert"],
)
def test_other_forms_are_refused(config: Any, said: str, run: Any, tmp_path: Path) -> None:
    whole = saved(config, tmp_path / "whole")
    with pytest.raises(Unsupported, match=said):
        prune_folder(whole, tmp_path / "pruned", 0.5, TwoClasses(whole), run)
    assert not (tmp_path / "pruned").exists()


@pytest.mark.parametrize(("width", "share", "kept"), [(128, 0.5, 64), (128, 0.9, 32), (1536, 0.3, 1088), (40, 0.5, 20)])
def test_widths_stay_multiples_where_they_can(width: int, share: float, kept: int) -> None:
    assert kept_width(width, share) == kept


def test_so_little_that_nothing_goes_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"--prune 0\.01 of 128 feed-forward units leaves all of them"):
        kept_width(128, 0.01)
