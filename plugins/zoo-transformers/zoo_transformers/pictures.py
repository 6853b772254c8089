"""How a model of transformers is shown a picture: its `preprocessor_config.json` in zoo's terms, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from zoo import ImageInput, Unsupported

FILE = "preprocessor_config.json"
INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of those that are known here."""
USUAL_SIZE, USUAL_MEAN = 224, (0.5, 0.5, 0.5)
CROP_SHARE, WHOLE_FROM = 224 / 256, 384
"""Of ConvNeXt's pictures: the share that is seen, and the size from which all is."""


def image_input(name: str, document: dict[str, Any]) -> ImageInput:
    """What a picture is made into.

    Args:
        name: of the model, for messages.
        document: content of the file; what it leaves out is as `ViTImageProcessor` has it.

    Raises:
        Unsupported: it is shown otherwise than in a square, or not scaled to 0..1 first.
    """
    resized, seen, mode = _sides(document)
    interpolation = INTERPOLATIONS.get(document.get("resample", 2))
    scaled = document.get("do_rescale", True) and document.get("do_resize", True)
    if not resized or not seen or interpolation is None or not scaled:
        raise Unsupported(f"{name} sees pictures as zoo does not show them ({FILE})", "choose another model")
    normalised = document.get("do_normalize", True)
    stated = {
        "type": "image",
        "input_size": (3, seen, seen),
        "resize_size": resized,
        "interpolation": interpolation,
        "crop_mode": mode,
        "mean": document.get("image_mean", USUAL_MEAN) if normalised else (0.0, 0.0, 0.0),
        "std": document.get("image_std", USUAL_MEAN) if normalised else (1.0, 1.0, 1.0),
    }
    try:
        return msgspec.convert(stated, ImageInput)
    except msgspec.ValidationError as error:
        raise Unsupported(f"{FILE} of {name} makes no sense: {error}", "choose another model") from error


def required_document(name: str, documents: dict[str, Any]) -> dict[str, Any]:
    """Content of the file that says how a model is shown pictures.

    Raises:
        Unsupported: the repository has none.
    """
    document = documents.get(FILE)
    if not isinstance(document, dict):
        raise Unsupported(f"{name} lacks {FILE}: nothing says how it sees pictures", "choose a model that has it")
    return document


def shown_at(document: dict[str, Any], size: int, resize_size: int) -> dict[str, Any]:
    """The same document for another size.

    Args:
        document: content of the file.
        size: of what the network sees.
        resize_size: shorter side after resizing.
    """
    stated = document.get("size", USUAL_SIZE)
    if _is_convnext(document):
        return {**document, "size": {"shortest_edge": size}}
    edges = "shortest_edge" if isinstance(stated, dict) and "shortest_edge" in stated else ""
    sides: dict[str, int] = {edges: resize_size} if edges else {"height": resize_size, "width": resize_size}
    return {**document, "size": sides, "crop_size": {"height": size, "width": size}}


def _sides(document: dict[str, Any]) -> tuple[int | None, int | None, str]:
    """Side after resizing, side of what is seen, and whether both sides are resized."""
    size = document.get("size", USUAL_SIZE)
    if _is_convnext(document):
        edge = _side(size, "shortest_edge")
        if edge is None or edge >= WHOLE_FROM:
            return edge, edge, "squash"
        return int(edge / (document.get("crop_pct") or CROP_SHARE)), edge, "center"
    cropped = _side(document.get("crop_size")) if document.get("do_center_crop") else None
    if isinstance(size, dict) and "shortest_edge" in size:
        return _side(size, "shortest_edge"), cropped, "center"
    return _side(size), cropped or _side(size), "squash"


def _side(stated: object, key: str = "") -> int | None:
    """Of a square, stated as a number or by its sides; None for anything else."""
    if isinstance(stated, dict):
        sides = {stated.get(key)} if key else {stated.get("height"), stated.get("width")}
        stated = sides.pop() if len(sides) == 1 else None
    return stated if isinstance(stated, int) and stated > 0 else None


def _is_convnext(document: dict[str, Any]) -> bool:
    kind = document.get("image_processor_type") or document.get("feature_extractor_type") or ""
    return str(kind).startswith("ConvNext")
