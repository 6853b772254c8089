"""Well-known models of the Hub that no card describes: what to pull, the best of each task and size before others.

What their publishers state of licence and number of parameters; what they do not is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SMALL, MEDIUM = 60_000_000, 250_000_000
"""Parameters up to which a model is small, or of medium size."""


class SuggestedModel(NamedTuple):
    """One of them."""

    repository: str
    task: str
    license: str = ""
    """SPDX identifier, or what the publisher calls it."""
    parameters: int | None = None

    @property
    def size(self) -> int:
        """0 for a small one, 1 for a medium one, 2 for a large one and for one that does not say."""
        if self.parameters is None:
            return 2
        return (self.parameters > SMALL) + (self.parameters > MEDIUM)


def _of(task: str, *models: tuple[str, str, float | None]) -> tuple[SuggestedModel, ...]:
    """Models of a task: repository, licence, millions of parameters."""
    return tuple(
        SuggestedModel(name, task, licence, None if millions is None else round(millions * 1_000_000))
        for name, licence, millions in models
    )


_MODELS = (
    *_of(
        "text-classification",
        ("distilbert/distilbert-base-uncased-finetuned-sst-2-english", "Apache-2.0", 67),
        ("nlptown/bert-base-multilingual-uncased-sentiment", "MIT", 167),
        ("lxyuan/distilbert-base-multilingual-cased-sentiments-student", "Apache-2.0", 135),
        ("MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli", "MIT", 184),
        ("papluca/xlm-roberta-base-language-detection", "MIT", 278),
        ("facebook/bart-large-mnli", "MIT", 407),
    ),
    *_of(
        "text-multi-label-classification",
        ("SamLowe/roberta-base-go_emotions", "MIT", 125),
        ("unitary/toxic-bert", "Apache-2.0", 109),
    ),
    *_of(
        "token-classification",
        ("dslim/distilbert-NER", "Apache-2.0", 65),
        ("dslim/bert-base-NER", "MIT", 108),
        ("Babelscape/wikineural-multilingual-ner", "CC-BY-NC-SA-4.0", 177),
        ("Davlan/bert-base-multilingual-cased-ner-hrl", "AFL-3.0", 177),
        ("dbmdz/bert-large-cased-finetuned-conll03-english", "", 333),
        ("FacebookAI/xlm-roberta-large-finetuned-conll03-english", "", 559),
    ),
    *_of(
        "feature-extraction",
        ("BAAI/bge-small-en-v1.5", "MIT", 33),
        ("Snowflake/snowflake-arctic-embed-s", "Apache-2.0", 33),
        ("thenlper/gte-small", "MIT", 33),
        ("intfloat/e5-small-v2", "MIT", 33),
        ("sentence-transformers/all-MiniLM-L12-v2", "Apache-2.0", 33),
        ("Snowflake/snowflake-arctic-embed-xs", "Apache-2.0", 22),
        ("sentence-transformers/multi-qa-MiniLM-L6-cos-v1", "", 22),
        ("BAAI/bge-base-en-v1.5", "MIT", 109),
        ("thenlper/gte-base", "MIT", 109),
        ("intfloat/e5-base-v2", "MIT", 109),
        ("sentence-transformers/all-mpnet-base-v2", "Apache-2.0", 109),
        ("intfloat/multilingual-e5-small", "MIT", 118),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "Apache-2.0", 118),
        ("mixedbread-ai/mxbai-embed-large-v1", "Apache-2.0", 335),
        ("BAAI/bge-large-en-v1.5", "MIT", 335),
        ("intfloat/multilingual-e5-base", "MIT", 278),
    ),
    *_of(
        "fill-mask",
        ("albert/albert-base-v2", "Apache-2.0", 12),
        ("answerdotai/ModernBERT-base", "Apache-2.0", 149),
        ("FacebookAI/roberta-base", "MIT", 125),
        ("distilbert/distilroberta-base", "Apache-2.0", 82),
        ("distilbert/distilbert-base-uncased", "Apache-2.0", 66),
        ("google-bert/bert-base-cased", "Apache-2.0", 109),
        ("almanach/camembert-base", "MIT", 110),
        ("google-bert/bert-base-multilingual-cased", "Apache-2.0", 179),
        ("answerdotai/ModernBERT-large", "Apache-2.0", 395),
        ("FacebookAI/roberta-large", "MIT", 355),
        ("FacebookAI/xlm-roberta-base", "MIT", 279),
        ("google-bert/bert-large-uncased", "Apache-2.0", 336),
    ),
    *_of(
        "text-generation",
        ("EleutherAI/pythia-70m", "Apache-2.0", 70),
        ("EleutherAI/pythia-160m", "Apache-2.0", 160),
        ("Qwen/Qwen3-0.6B", "Apache-2.0", 600),
        ("Qwen/Qwen2.5-0.5B-Instruct", "Apache-2.0", 490),
        ("HuggingFaceTB/SmolLM2-360M-Instruct", "Apache-2.0", 360),
        ("Qwen/Qwen3-1.7B", "Apache-2.0", 1_700),
        ("HuggingFaceTB/SmolLM2-1.7B-Instruct", "Apache-2.0", 1_700),
        ("Qwen/Qwen2.5-1.5B-Instruct", "Apache-2.0", 1_540),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama3.2", 1_230),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "Apache-2.0", 1_100),
        ("microsoft/phi-2", "MIT", 2_700),
    ),
    *_of(
        "image-classification",
        ("timm/mobilenetv4_conv_small.e2400_r224_in1k", "Apache-2.0", 3.8),
        ("timm/efficientnet_b0.ra4_e3600_r224_in1k", "Apache-2.0", 5.3),
        ("timm/convnext_tiny.in12k_ft_in1k", "Apache-2.0", 28.6),
        ("timm/deit3_small_patch16_224.fb_in22k_ft_in1k", "Apache-2.0", 22.1),
        ("timm/vit_small_patch16_224.augreg_in21k_ft_in1k", "Apache-2.0", 22.1),
        ("timm/swin_tiny_patch4_window7_224.ms_in1k", "MIT", 28.3),
        ("timm/resnet50.a1_in1k", "Apache-2.0", 25.6),
        ("timm/resnet18.a1_in1k", "Apache-2.0", 11.7),
        ("timm/vit_base_patch16_224.augreg2_in21k_ft_in1k", "Apache-2.0", 86.6),
    ),
)


def suggested(words: Iterable[str] = (), *, task: str = "", max_parameters: int | None = None) -> list[SuggestedModel]:
    """Those that match everything given: task by task, small ones before large ones, the best of a size first.

    Args:
        words: in lower case; each must occur in the repository's name or in the task.
        task: what they do.
        max_parameters: most of them; a model that does not state their number is left out.
    """
    matching = [
        one
        for one in _MODELS
        if (not task or task == one.task)
        and all(word in f"{one.repository} {one.task}".lower() for word in words)
        and (max_parameters is None or (one.parameters is not None and one.parameters <= max_parameters))
    ]
    tasks = list(dict.fromkeys(one.task for one in matching))
    return sorted(matching, key=lambda one: (tasks.index(one.task), one.size))
