"""The options that the tasks of zoo bring; a task names its sets, and others may use them, too."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from zoo.errors import OptionInvalid
from zoo.options import Options, option

FEW_LABELS = 5
"""That come with the answer to an input that is a file, where no number is asked for."""


class ClassWeightOptions(Options, frozen=True, kw_only=True):
    """Options of learning one of several classes."""

    class_weights: Annotated[
        str,
        option("Weight of each class in the loss: none, auto (inverse frequency) or name=weight,name=weight."),
    ] = "none"

    def check(self) -> None:
        """What weighs the classes can be read, whatever they are."""
        weights_by_class(self.class_weights)


class LabelOptions(Options, frozen=True, kw_only=True):
    """Options of answering with labels."""

    top_k: Annotated[
        int | None,
        option("How many labels come with their probability; auto is all of a text's and 5 of an image's.", ge=1),
    ] = None


class AbstainOptions(Options, frozen=True, kw_only=True):
    """What zoo does with the answers of any model that can be calibrated, whatever its plugin makes of its options."""

    abstain: Annotated[
        float | None,
        option(
            "Leave labels open, or say not sure, so that the right one is excluded in this share of cases at most; for "
            "a model that was calibrated: zoo evaluate MODEL --data FILE --calibrate.",
            ge=0.001,
            le=0.5,
        ),
    ] = None


class LabelSetOptions(LabelOptions, frozen=True, kw_only=True):
    """Options of answering with any number of labels."""

    threshold: Annotated[
        float | None,
        option("Probability from which on a label is given; auto is what its training found best.", ge=0, le=1),
    ] = None


class CandidateOptions(Options, frozen=True, kw_only=True):
    """Options of answering with labels that a person names."""

    labels: Annotated[
        str,
        option(
            'The labels to choose from, apart by commas, or as a JSON list: "billing, shipping", ["on, or off"].',
            aliases=("candidate_labels",),
        ),
    ] = ""
    template: Annotated[
        str,
        option(
            "The sentence that a label is put into, at {}; auto is that of transformers' pipeline of the task.",
            aliases=("hypothesis_template",),
        ),
    ] = ""

    def check(self) -> None:
        """The labels can be read, and have a place in the sentence."""
        candidate_labels(self.labels)
        if self.template and self.template.count("{}") != 1:
            raise OptionInvalid(
                f"--template is {self.template!r}, which has no place for one label", '--template "a drawing of {}"'
            )


class DetectionOptions(Options, frozen=True, kw_only=True):
    """Options of answering with boxes."""

    threshold: Annotated[
        float | None,
        option("Score from which on a box is given; auto is 0.4, and 0.05 in an evaluation.", ge=0, le=1),
    ] = None
    nms: Annotated[
        float | None,
        option(
            "Overlap (intersection over union) from which on the worse of two boxes of a label is left out; "
            "auto is 0.6, for torchvision's own detectors what they were published with, "
            "and for those of transformers, which find sets, none.",
            ge=0,
            le=1,
        ),
    ] = None
    top_k: Annotated[int | None, option("Most boxes of an image; auto is 100.", ge=1, le=1000)] = None


class ProbabilityOptions(Options, frozen=True, kw_only=True):
    """Options of answering with many places that each have a label."""

    probabilities: Annotated[
        bool,
        option(
            "Also say how probable each label is at each place, each word or part of a picture; in JSON only.",
            advanced=True,
        ),
    ] = False


class TaggingOptions(ProbabilityOptions, frozen=True, kw_only=True):
    """Options of answering with spans."""

    raw_spans: Annotated[
        bool | None,
        option(
            "Also give the spans that conlleval reads from the tags of the network where they are others; auto is no, "
            "and yes in an evaluation.",
            advanced=True,
        ),
    ] = None


class ExtractionOptions(Options, frozen=True, kw_only=True):
    """Options of answering with a part of a text."""

    top_k: Annotated[int, option("How many answers are given, the likeliest first.", ge=1, le=1000)] = 1
    max_answer_tokens: Annotated[
        int, option("Most tokens of an answer.", ge=1, le=1000, unit="tokens", aliases=("max_answer_len",))
    ] = 15
    stride: Annotated[
        int | None,
        option(
            "Tokens that two windows of a long text have in common; auto is 128, at most half a window.",
            ge=0,
            le=4096,
            unit="tokens",
            aliases=("doc_stride",),
            advanced=True,
        ),
    ] = None
    no_answer: Annotated[
        bool,
        option(
            "Let a model that has learnt it, as from SQuAD 2.0, answer that the text does not say it.",
            aliases=("handle_impossible_answer",),
        ),
    ] = False


class SegmentationOptions(Options, frozen=True, kw_only=True):
    """Options of learning a class for each pixel."""

    loss: Annotated[
        Literal["cross-entropy", "dice", "both"],
        option("What is made small: cross entropy, one minus soft Dice of the classes, or the sum of both."),
    ] = "cross-entropy"


class RecognitionOptions(Options, frozen=True, kw_only=True):
    """Options of learning what is said."""

    normalizer: Annotated[
        Literal["words", "english", "none"] | None,
        option(
            "How transcripts are spelled before they are learnt and compared: words (no case, no punctuation), english "
            "(as Whisper's authors compare), none; auto is what the model was trained by, else words.",
        ),
    ] = None


class MaskingOptions(Options, frozen=True, kw_only=True):
    """Options of masked language modelling."""

    mask_probability: Annotated[float, option("Share of the tokens to be predicted.", gt=0, lt=1, advanced=True)] = 0.15


class FillingOptions(Options, frozen=True, kw_only=True):
    """Options of filling a mask."""

    top_k: Annotated[int | None, option("How many fillings are given; auto is 5.", ge=1)] = None


class GenerationOptions(Options, frozen=True, kw_only=True):
    """Options of writing texts. The most likely token comes next, unless a temperature lets others come, too."""

    max_tokens: Annotated[
        int, option("Most tokens of an answer.", ge=1, le=131_072, unit="tokens", aliases=("max_new_tokens",))
    ] = 256
    temperature: Annotated[
        float, option("Divides the scores before a token is drawn; 0 takes the most likely one.", ge=0, le=10)
    ] = 0.0
    top_p: Annotated[
        float | None,
        option("Draw from the likeliest tokens that together have this probability; auto is all.", gt=0, le=1),
    ] = None
    top_k: Annotated[int | None, option("Draw from so many of the likeliest tokens; auto is all.", ge=1)] = None
    repetition_penalty: Annotated[
        float,
        option("Makes tokens that have come already less likely (Keskar et al. 2019); 1 does not.", gt=0, le=10),
    ] = 1.0
    stop: Annotated[
        str,
        option('Text before which an answer ends; several as a JSON list: ["User:", "\\n"]; \\n is a line end.'),
    ] = ""
    seed: Annotated[int | None, option("Seed of what is drawn; auto is 0.", ge=0, lt=2**32)] = None
    system: Annotated[str, option("What a model that chats is told before a conversation.")] = ""
    raw: Annotated[
        bool, option("Go on with a prompt as it stands, where a model that chats would answer it.", advanced=True)
    ] = False

    def check(self) -> None:
        """Nothing is drawn without a temperature, and texts that stop an answer can be read."""
        drawing = {"top_p": self.top_p, "top_k": self.top_k, "seed": self.seed}
        idle = next((name for name, value in drawing.items() if value is not None), "")
        if idle and not self.temperature:
            raise OptionInvalid(
                f"--{idle.replace('_', '-')} has no effect at --temperature 0, which takes the most likely token",
                "give a --temperature, such as 0.7, or leave it out",
            )
        if self.raw and self.system:
            raise OptionInvalid(
                "--system has no effect with --raw, which goes on with a prompt as it stands", "leave one of them out"
            )
        self.stops  # noqa: B018  (raises)

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that stop an answer; raises OptionInvalid where they are no list of texts."""
        return stop_texts(self.stop)


class Text2TextOptions(Options, frozen=True, kw_only=True):
    """Options of writing a text for another one. Auto is what the model states in its generation_config."""

    max_tokens: Annotated[
        int | None,
        option(
            "Most tokens of an answer; auto is what the model states, else 256.",
            ge=1,
            le=131_072,
            unit="tokens",
            aliases=("max_new_tokens",),
        ),
    ] = None
    beams: Annotated[
        int | None,
        option(
            "Beginnings of an answer that are gone on with at once; 1 takes the likeliest token, and streams.",
            ge=1,
            le=64,
            aliases=("num_beams",),
        ),
    ] = None
    temperature: Annotated[
        float | None, option("Divides the scores before a token is drawn; 0 takes the most likely one.", ge=0, le=10)
    ] = None
    top_p: Annotated[
        float | None, option("Draw from the likeliest tokens that together have this probability.", gt=0, le=1)
    ] = None
    top_k: Annotated[int | None, option("Draw from so many of the likeliest tokens.", ge=1)] = None
    repetition_penalty: Annotated[
        float | None, option("Makes tokens that have come already less likely (Keskar et al. 2019).", gt=0, le=10)
    ] = None
    stop: Annotated[
        str,
        option('Text before which an answer ends; several as a JSON list: ["User:", "\\n"]; \\n is a line end.'),
    ] = ""
    seed: Annotated[int | None, option("Seed of what is drawn; auto is 0.", ge=0, lt=2**32)] = None
    source_language: Annotated[
        str, option("Language of the text, as the model calls it: de, de_DE, deu_Latn.", aliases=("src_lang",))
    ] = ""
    target_language: Annotated[
        str, option("Language of the answer, likewise; of models that know several.", aliases=("tgt_lang",))
    ] = ""

    def check(self) -> None:
        """Texts that stop an answer can be read."""
        stop_texts(self.stop)


class ContrastiveOptions(Options, frozen=True, kw_only=True):
    """Options of learning by contrasts."""

    temperature: Annotated[
        float,
        option("Divides the similarities; smaller looks at the nearest strangers only.", gt=0, le=10, advanced=True),
    ] = 0.5


def stop_texts(stop: str) -> tuple[str, ...]:
    """The texts that stop an answer.

    Args:
        stop: one of them, or several as a JSON list.

    Raises:
        OptionInvalid: they are no list of texts.
    """
    if not stop.lstrip().startswith("["):
        return (stop.replace("\\n", "\n"),) if stop else ()
    try:
        texts = msgspec.json.decode(stop, type=list[str])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise OptionInvalid(
            f"--stop is {stop!r}, which is no JSON list of texts: {error}", '--stop \'["User:", "\\n"]\''
        ) from error
    return tuple(text for text in texts if text)


def candidate_labels(labels: str) -> tuple[str, ...]:
    """Labels that a person names, in that order; none where none are named.

    Args:
        labels: apart by commas, or as a JSON list.

    Raises:
        OptionInvalid: they are no list of texts, or one of them comes twice.
    """
    names = labels.split(",")
    if labels.lstrip().startswith("["):
        try:
            names = msgspec.json.decode(labels, type=list[str])
        except (msgspec.DecodeError, UnicodeError) as error:
            raise OptionInvalid(
                f"--labels is {labels!r}, which is no JSON list of texts: {error}", '--labels "a cat, a dog"'
            ) from error
    named = tuple(name.strip() for name in names if name.strip())
    twice = next((label for label in named if named.count(label) > 1), "")
    if twice:
        raise OptionInvalid(f"--labels names {twice!r} twice", "name each label once")
    return named


def required_labels(labels: str, model: str) -> tuple[str, ...]:
    """The same, for a model that answers with nothing else.

    Args:
        labels: as there.
        model: its name, for messages.

    Raises:
        OptionInvalid: as there, or there are none.
    """
    named = candidate_labels(labels)
    if not named:
        raise OptionInvalid(f"{model} chooses among labels that you name", '--labels "a cat, a dog"')
    return named


def weights_by_class(class_weights: str) -> tuple[tuple[str, float], ...]:
    """Names and weights of `name=weight,name=weight`; empty for none and auto.

    Raises:
        OptionInvalid: a weight is no number from 0.
    """
    if class_weights in ("none", "auto"):
        return ()
    weights = []
    for part in class_weights.split(","):
        name, _, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = -1.0
        if not name.strip() or not 0 <= weight < math.inf:
            raise OptionInvalid(
                f"--class-weights has {part!r}, but takes none, auto or name=weight,name=weight",
                "a weight is a number from 0: 2 lets a class count twice",
            )
        weights.append((name.strip(), weight))
    return tuple(weights)
