"""What the outputs of a head mean, as it stands in the configuration of a result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch

from zoo.hub_config import TAG_SCHEME, TOKENS, WORDS_SPACED, config_labels, problem_type
from zoo.metrics.label_sets import DEFAULT_THRESHOLD
from zoo.metrics.tags import tag_types
from zoo.plurals import counted

SINGLE_LABEL, SEVERAL_LABELS, REGRESSION = "single_label_classification", "multi_label_classification", "regression"
"""transformers' names of what a head is for (`problem_type`)."""
DETECTION, SEGMENTATION = "object_detection", "image_segmentation"
"""What a head is for that sees feature maps, and for which transformers has no such name: boxes, masks."""
SPEECH = "speech_recognition"
"""What a head is for that writes a letter, or none, at each moment of a recording (CTC)."""


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """One output for each label, or one that is a number."""

    problem_type: str = SINGLE_LABEL
    labels: tuple[str, ...] = ()
    """In the order of the outputs; none where the output is a number. Of tokens they are tags, such as `B-person`."""
    threshold: float = DEFAULT_THRESHOLD
    """The probability from which on one of several labels is given."""
    mean: float = 0.0
    """Of the numbers that were learnt from."""
    std: float = 1.0
    """Their standard deviation."""
    bias_rounding: float = 0.0
    """By how much the saved bias of a number is too large: float32 has wide steps where numbers are far from zero."""

    normalizer: str = ""
    """Of letters: how texts are spelled in them, see `zoo.normalizers`."""
    tag_scheme: str = ""
    """Of tags: `IOB2` where a span surely begins with `B-`; empty where that is not known."""
    words_spaced: bool = False
    """Of tags: whether words are those of `zoo.words.spaced_words`, with the punctuation inside of them."""

    def __str__(self) -> str:
        if self.problem_type == REGRESSION:
            return "a number"
        if self.is_of_tokens:
            return f"spans of {counted(len(tag_types(self.labels)), 'label')}"
        if self.problem_type == SPEECH:
            return f"speech in {len(self.labels) - 1} letters"
        labels = counted(len(self.labels), "label")
        names = {SEVERAL_LABELS: "sets of ", DETECTION: "boxes of ", SEGMENTATION: "masks of "}
        return f"{names.get(self.problem_type, '')}{labels}"

    @property
    def outputs(self) -> int:
        """How many there are."""
        return 1 if self.problem_type == REGRESSION else len(self.labels)

    @property
    def is_of_tokens(self) -> bool:
        """Whether each token has the outputs, rather than each input."""
        return self.problem_type == TOKENS

    def means_the_same_as(self, other: HeadConfig) -> bool:
        """Whether the outputs of two heads stand for the same: weights of the one are of use to the other."""
        return (self.problem_type, self.labels) == (other.problem_type, other.labels)

    def with_options(self, options: Any) -> Self:
        """With what a person has chosen for its answers: the threshold, where the task has that option."""
        threshold = getattr(options, "threshold", None)
        return self if threshold is None else replace(self, threshold=threshold)

    def to_json(self) -> dict[str, Any]:
        """What a configuration says beside the labels."""
        more: dict[str, dict[str, Any]] = {
            SEVERAL_LABELS: {"threshold": self.threshold},
            SPEECH: {"normalizer": self.normalizer},
            REGRESSION: {
                "target_mean": self.mean,
                "target_std": self.std,
                "target_bias_rounding": self.bias_rounding,
            },
        }
        if self.is_of_tokens:
            spaced = {WORDS_SPACED: True} if self.words_spaced else {}
            return {TAG_SCHEME: self.tag_scheme, **spaced}  # transformers refuses a problem_type that it does not know
        return {"problem_type": self.problem_type, **more.get(self.problem_type, {})}

    @classmethod
    def from_json(cls, document: dict[str, Any], kind: str, labels: tuple[str, ...]) -> Self:
        """What `to_json` wrote; a configuration of others lacks all but its kind.

        Raises:
            TypeError, ValueError: the figures are none.
        """
        return cls(
            problem_type=kind,
            labels=() if kind == REGRESSION else labels,
            threshold=float(document.get("threshold", DEFAULT_THRESHOLD)),
            mean=float(document.get("target_mean", 0.0)),
            std=float(document.get("target_std", 1.0)),
            bias_rounding=float(document.get("target_bias_rounding", 0.0)),
            normalizer=str(document.get("normalizer", "")),
            tag_scheme=str(document.get(TAG_SCHEME, "")),
            words_spaced=bool(document.get(WORDS_SPACED)),
        )

    def to_transformers(self) -> dict[str, Any]:
        """What a `config.json` of transformers says of a head; it counts the outputs by their names."""
        names = self.labels or ("LABEL_0",)
        return {
            **self.to_json(),
            "id2label": {str(i): name for i, name in enumerate(names)},
            "label2id": {name: i for i, name in enumerate(names)},
        }

    @classmethod
    def from_transformers(cls, config: dict[str, Any]) -> Self:
        """What the configuration of a `...ForSequenceClassification` says."""
        return cls.from_json(config, problem_type(config), config_labels(config))

    def standardised(
        self, weight: torch.Tensor, bias: torch.Tensor, saved: HeadConfig | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """An output layer as it is trained and computed: its numbers have mean 0 and standard deviation 1.

        Args:
            weight: as saved.
            bias: as saved.
            saved: what the head was when it was saved; None for the same.
        """
        exact = bias.double() - (saved or self).bias_rounding
        return weight / self.std, ((exact - self.mean) / self.std).to(bias.dtype)

    def in_unit_of_data(self, weight: torch.Tensor, bias: torch.Tensor) -> tuple[Self, torch.Tensor, torch.Tensor]:
        """An output layer as it is saved: its numbers are those of the data.

        Returns:
            What the head is then, weight and bias.
        """
        exact = bias.double() * self.std + self.mean
        rounded = exact.to(bias.dtype)
        return replace(self, bias_rounding=float((rounded.double() - exact).sum())), weight * self.std, rounded


def without_head(config: dict[str, Any]) -> dict[str, Any]:
    """What a configuration says of the network alone."""
    said = {"problem_type", "id2label", "label2id", "threshold", "normalizer", TAG_SCHEME, WORDS_SPACED}
    return {key: value for key, value in config.items() if key not in said and not key.startswith("target_")}


def note_new_head(run: Any, head_config: HeadConfig, before: HeadConfig | None) -> None:
    """Note for the person that the weights have a head that is of no use here.

    Args:
        run: the training.
        head_config: of the head that is learnt.
        before: of that of the weights; None where they have none.
    """
    if before is not None and not before.means_the_same_as(head_config):
        others = " of other names" if str(before) == str(head_config) else ""
        run.note(f"the head is new: {head_config}, the weights had {before}{others}")
