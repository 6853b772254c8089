"""What an inspection finds about the values of a kind, and what it measures them against, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

Level = Literal["error", "warning", "info"]


class Finding(msgspec.Struct, frozen=True):
    """One thing a person should know, in plain words."""

    level: Level
    """An error keeps the file from being used; a warning costs quality."""
    message: str


class Marks(msgspec.Struct, frozen=True):
    """Rows that carry a mark of something having gone wrong with the text."""

    rows: int = 0
    first_row: int = 0
    """0 where there is none."""


class Lengths(msgspec.Struct, frozen=True, kw_only=True):
    """How long the inputs are."""

    unit: Literal["tokens", "words"]
    """Tokens include the special ones of the model's tokenizer."""
    p50: int
    p90: int
    p99: int
    max: int
    max_tokens: int | None = None
    """Most tokens of an input that are read."""
    truncated_share: float | None = None
    """Share of the inputs longer than that, 0 to 1; None where tokens were not counted."""


class CompletionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How long the texts are that follow prompts."""

    lengths: Lengths
    empty: int
    """Those without a word."""
    first_empty_row: int
    """0 where there is none."""


class Size(msgspec.Struct, frozen=True):
    """Of an image, in pixels as stored."""

    width: int
    height: int


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the usable images are like; they are ordered by area."""

    smallest: Size
    median: Size
    largest: Size
    sizes: int
    """How many different ones there are."""
    modes: dict[str, int]
    """Pillow's name of each (RGB, L, P, CMYK, ...) and how many there are, most frequent first."""
    formats: dict[str, int]
    """Likewise: JPEG, PNG, ..."""
    shorter_side: int | None = None
    """Of what the model sees, in pixels."""
    enlarged: int = 0
    """Images smaller than that."""
    other_files: dict[str, int] = {}
    """Files in a folder that are no images by their names: extension and number, most frequent first."""


class MarkedFiles(msgspec.Struct, frozen=True):
    """Files that something is odd about."""

    files: int = 0
    first: str = ""
    """The name of the first of them."""


class RecordingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the usable recordings are like."""

    seconds: float
    """Of all of them."""
    shortest_s: float
    """In seconds, like the next two."""
    median_s: float
    longest_s: float
    rates: dict[str, int]
    """Samples a second, and how many recordings have so many, most frequent first."""
    channels: dict[str, int]
    """How many there are, likewise."""
    formats: dict[str, int]
    """Container and encoding, likewise: `WAV 16 bit`, `FLAC 24 bit`, `OGG vorbis`, ..."""
    sampling_rate: int | None = None
    """That the model hears, in Hz."""
    silent: MarkedFiles = MarkedFiles()
    """Those in which nothing is to be heard."""
    clipped: MarkedFiles = MarkedFiles()
    """Those whose loud parts were cut off."""
    other_files: dict[str, int] = {}
    """Files in a folder that are no recordings by their names: extension and number, most frequent first."""


class SpokenRow(msgspec.Struct, frozen=True):
    """A row, and how fast its transcript is spoken."""

    row: int = 0
    """0 for none."""
    rate: float = 0.0
    """Letters a second."""


class TranscriptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the transcripts of recordings are like."""

    words: int
    characters: dict[str, int]
    """Those that are left without case and punctuation, and how often they come, most frequent first."""
    fast: int = 0
    """Transcripts with more letters than anybody can say in the time."""
    first_fast: SpokenRow = SpokenRow()
    slow: int = 0
    """Transcripts with hardly a letter in a second."""
    first_slow: SpokenRow = SpokenRow()
    unwritten: tuple[str, ...] = ()
    """Characters that the model has no letter for, in order; empty also where its letters are not known."""


class NumberFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How the numbers of a target are distributed."""

    smallest: float
    median: float
    largest: float
    mean: float
    std: float
    """Standard deviation."""
    different: int
    """How many different ones there are."""
    outliers: int = 0
    """Numbers so far from all others that they are likely slips."""
    first_outlier: float = 0.0
    first_outlier_row: int = 0
    """0 where there is none."""
    middle: tuple[float, float] = (0.0, 0.0)
    """Half of the numbers lie between these."""


class LabelSetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How many labels the rows have."""

    mean: float
    most: int
    unlabelled: int
    """Rows whose set is empty."""
    separator: str = ""
    """What stands between the labels of a text, where a person says so."""
    undivided: int = 0
    """Rows with a label that holds one of the usual separators."""
    first_undivided: str = ""
    """Such a label, in the first of these rows."""
    first_undivided_row: int = 0
    """0 where there is none."""


class BoxFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How many boxes there are, and of which sizes."""

    boxes: int
    pictures: int
    without: int
    """Pictures that have none."""
    most: int
    """Boxes of one picture."""
    sizes: tuple[tuple[float, float], ...]
    """Width and height in pixels of the smallest, the middle one and the largest by area; empty without boxes."""
    small: int
    """Boxes too narrow to be found well."""


class PixelCount(msgspec.Struct, frozen=True):
    """How many pixels of all masks are of a class."""

    label: str
    pixels: int
    pictures: int
    """With any of them."""


class MaskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the masks of the pictures are like."""

    pictures: int
    pixels: int
    """Of all masks, ignored ones included."""
    ignored: int
    """Pixels that teach nothing."""
    classes: tuple[PixelCount, ...]
    """Those with most pixels first."""
    modes: dict[str, int]
    """Pillow's name of each, or `drawn`, and how many masks there are, most frequent first."""
    turned: int
    """Masks of pictures with an EXIF orientation that lie on the picture as it is stored."""


class AmbiguousWords(msgspec.Struct, frozen=True):
    """Words that are spans of several labels."""

    words: str
    labels: dict[str, int]
    """Spans by their labels, most frequent first."""


class SpanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How many spans the texts have."""

    spans: int
    texts: int
    without: int
    """Texts that have none."""
    most: int
    """Spans of one text."""
    ambiguous: int = 0
    """Different words that are spans of several labels."""
    first_ambiguous: tuple[AmbiguousWords, ...] = ()
    """The most frequent of them."""
    max_tokens: int | None = None
    """Tokens that the model reads at once; None where they were not counted."""
    beyond: int = 0
    """Spans that end after as many tokens of their text."""
    long_texts: int = 0
    """Texts that have such spans."""


class ModelLimits(NamedTuple):
    """How much of an input a model sees; each field means something to one kind."""

    tokenizer: Path | None = None
    """A `tokenizer.json`; without one the length of a text is in words."""
    max_tokens: int | None = None
    """Most tokens of a text that are read."""
    shorter_side: int = 0
    """Of an image, in pixels; 0 where none is meant."""
    sampling_rate: int = 0
    """Of a recording, in Hz; likewise."""
    letters: frozenset[str] = frozenset()
    """That can be written down of it, without regard to case; empty where they are not known."""
