"""What becomes of a model of the Hub: the first reading in the table that its class fits."""

from __future__ import annotations

from typing import Any

from zoo import Card, Unsupported, Weights
from zoo_transformers import image_cards, picture_cards, text_cards
from zoo_transformers.installed import classes_of
from zoo_transformers.reading import Reading, Repository
from zoo_transformers.vocabularies import check_tokenizer

TEXT = "text:TransformersText"
VECTORS = Reading(ending="Model", task="feature-extraction", describe=text_cards.describe, body=TEXT)


def _segmenter(ending: str, *, asked: tuple[str, ...] = (), learnt: tuple[str, ...] = ()) -> Reading:
    return Reading(
        ending=ending,
        task="image-segmentation",
        describe=picture_cards.describe,
        body="segmenter_body:SegmenterBody",
        predictor="segmenters:SegmenterPredictor",
        asked=asked,
        learnt=learnt,
    )


def _sequence_to_sequence(ending: str, *asked: str) -> Reading:
    return Reading(
        ending=ending,
        task="text2text-generation",
        describe=text_cards.describe_sequence_to_sequence,
        predictor="sequence_to_sequence:SequencePredictor",
        asked=asked,
    )


READINGS = (
    Reading(
        ending="ForSequenceClassification",
        describe=text_cards.describe_classifier,
        body=TEXT,
        predictor="entailment:EntailmentPredictor",
        predicted=text_cards.ENTAILMENT,
    ),
    Reading(ending="ForTokenClassification", describe=text_cards.describe_classifier, body=TEXT),
    Reading(
        ending="ForQuestionAnswering",
        task="question-answering",
        describe=text_cards.describe_reader,
        body=TEXT,
        predictor="question_answering:QuestionAnsweringPredictor",
    ),
    Reading(ending="ForMaskedLM", task="fill-mask", describe=text_cards.describe, body=TEXT),
    *(
        Reading(
            ending=ending,
            task="text-generation",
            describe=text_cards.describe_causal,
            body="causal:TransformersCausal",
        )
        for ending in ("ForCausalLM", "LMHeadModel")
    ),
    _sequence_to_sequence("ForConditionalGeneration", *text_cards.SEQUENCE_TO_SEQUENCE),
    _sequence_to_sequence("MTModel", "marian"),
    Reading(ending="ForImageClassification", describe=image_cards.describe, body="images:TransformersImages"),
    Reading(
        ending="ForObjectDetection",
        task="object-detection",
        describe=picture_cards.describe,
        learner="detector_training:DetectorTraining",
        predictor="detectors:DetectorPredictor",
        learnt=("conditional_detr", "d_fine", "detr", "rt_detr", "rt_detr_v2", "yolos"),
    ),
    _segmenter("ForSemanticSegmentation", learnt=("beit", "segformer", "upernet")),
    _segmenter("ForInstanceSegmentation", asked=("maskformer",)),
    _segmenter("ForUniversalSegmentation", asked=("mask2former",)),
    Reading(
        ending="CLIPModel",
        task="zero-shot-image-classification",
        describe=picture_cards.describe_contrastive,
        predictor="contrast:ContrastPredictor",
        asked=("clip",),
    ),
    VECTORS,
)
"""The first that fits counts, so `Model`, in which others end, too, is the last."""


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card:
    """The card of a model.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.
        documents: the small configuration files, by name.

    Raises:
        Unsupported: transformers does not know it, files are missing, or nothing here answers with such a model.
    """
    repository = Repository(name, config, weights, documents, classes_of(str(config["model_type"])))
    saved_from = repository.saved_from
    reading = VECTORS if "modules.json" in documents else _reading(saved_from, repository.model_type)
    if reading is None or (saved_from not in repository.classes and reading is not VECTORS):
        endings = ", ".join(f"...{one.ending}" for one in READINGS)
        raise Unsupported(
            f"{name} is a {saved_from or repository.model_type}, which nothing here answers with",
            f"zoo takes {endings}",
        )
    if reading.body:
        check_tokenizer(name, config, documents.get("tokenizer_config.json") or {})
    return reading.describe(repository, reading)


def reading_of(card: Card) -> Reading:
    """How a model is computed, or what it was trained from."""
    if "pooling" in card.architecture:
        return VECTORS
    reading = _reading(str(card.architecture["class"]), card.family)
    assert reading is not None  # or there were no card
    return reading


def _reading(saved_from: str, model_type: str) -> Reading | None:
    return next(
        (
            one
            for one in READINGS
            if saved_from.endswith(one.ending) and (not one.asked or model_type.lower() in one.asked)
        ),
        None,
    )
