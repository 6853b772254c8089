"""What a finished training run leaves beside its weights, so that the result is a model like any other."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo.card import Count, ModelName, WeightsFile
from zoo.runs.columns import settle_columns

MANIFEST = "zoo.json"
ONNX_FILE, ONNX_FACTS = "model.onnx", "model.json"
"""Of a result that ONNX Runtime answers with, in the place of weights."""
ONNX_MARK = {"answers_by": "onnxruntime"}
"""In the facts, which tells it from what a plugin keeps under that name."""
HEADS = "heads"
"""Name of the folder, in that of a result with several heads, that has one for each."""


CALIBRATION = "calibration.json"
"""Stands in the folder of a model that was calibrated, and is none of its files: it changes, and they do not."""
OF_ITS_OWN = "-best"
"""Ends the name of a head that is kept of the best step of its source, where that is not the best of all."""


class HeadResult(msgspec.Struct, frozen=True, kw_only=True):
    """One of the heads of a result: a model that has its body in common with others."""

    name: str
    """Of the source that it was learnt from, and of its folder below `model/heads`."""
    verb: str
    task: str
    labels: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    parameters: Count | None = None
    metrics: dict[str, float] = {}
    files: tuple[WeightsFile, ...] = ()
    """Of its folder."""


class ShrunkResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a result was made smaller."""

    format: str
    """One of `zoo.shrink_options.FORMATS`, or what else the form is called: the network that learnt its answers."""
    precision: str
    """That it was judged in."""
    size_bytes: Count
    original_bytes: Count
    """Of the model that it was made of, likewise."""
    trainable: bool = False
    """Whether it is a network as its plugin writes it, which can be trained further; others only answer."""


class ResultManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `model/zoo.json`, written last."""

    name: ModelName
    """Name of the run, which is the name of the model."""
    plugin: str
    base: str
    """Name of the card (of the same plugin) whose architecture and abilities the result shares."""
    parent: str
    """Name of the model the run started from."""
    verb: str
    task: str
    """What the result answers."""
    labels: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    """Of the data it was trained on: their names by role."""
    parameters: Count | None = None
    metrics: dict[str, float] = {}
    """Final figures on the evaluation data."""
    intervals: dict[str, tuple[float, float]] = {}
    """Between which ends they lie with 95% confidence; none of those of which that is not known."""
    options: dict[str, object] = {}
    files: tuple[WeightsFile, ...] = ()
    """Every file of the model folder but the manifest and README.md, with digests."""
    heads: tuple[HeadResult, ...] = ()
    """Where there are several; labels and files above are none then."""
    shrunk: ShrunkResult | None = None
    """How its weights are kept, where it is a smaller form of another result."""
    created_at: float = 0.0
    versions: dict[str, str] = {}
    input_column: str = ""
    """The name in `columns`, as it was written up to version 0.1; so is the next."""
    label_column: str = ""
    v: int = 1

    def __post_init__(self) -> None:
        settle_columns(self)


class _Facts(msgspec.Struct):
    """What the facts of a network say of who answers with it."""

    answers_by: str = ""


def answers_by_onnx(folder: Path) -> bool:
    """Whether ONNX Runtime answers with the weights in a folder, rather than the plugin that owns the model."""
    if not (folder / ONNX_FILE).is_file():
        return False
    try:
        facts = msgspec.json.decode((folder / ONNX_FACTS).read_bytes(), type=_Facts)
    except (OSError, msgspec.DecodeError):
        return False
    return {"answers_by": facts.answers_by} == ONNX_MARK


class _Maker(msgspec.Struct):
    """What a result says of its plugin."""

    plugin: str


def plugin_of_result(folder: Path) -> str:
    """Name of the plugin that answers with a result, which is another than that of its run where another network has
    learnt the answers of a model; empty where it is not there yet, or damaged, which the catalog tells.

    Args:
        folder: of the model.
    """
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Maker).plugin
    except (OSError, msgspec.DecodeError):
        return ""
