"""What a finished training run leaves beside its weights, so that the result is a model like any other."""

from __future__ import annotations

import msgspec

from zoo.card import Count, ModelName, WeightsFile

MANIFEST = "zoo.json"


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
    input_column: str = ""
    """Of the data it was trained on."""
    label_column: str = ""
    parameters: Count | None = None
    metrics: dict[str, float] = {}
    """Final figures on the evaluation data."""
    options: dict[str, object] = {}
    files: tuple[WeightsFile, ...] = ()
    """Every file of the model folder but the manifest and README.md, with digests."""
    created_at: float = 0.0
    versions: dict[str, str] = {}
    v: int = 1
