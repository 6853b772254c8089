"""The same few held-out pictures after each evaluation, with what the model says of them: small enough for a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from zoo.answers import Answer, Rejected
from zoo.blocks import Block, Boxes, Mask
from zoo.data.example import Example
from zoo.encoding import encode_json
from zoo.rendering.pictures import mask_indexes, png_of
from zoo.tasks.task import Task

SHOWN = 4
MOST_BOXES = 50
MASK_SIDE = 256
"""Most pixels of the longer side of a mask."""
MOST_BYTES = 64_000
"""Of all of them in one evaluation, as JSON; those that would be more are left out."""


def shown_pictures(task: Task, examples: Sequence[Example]) -> Mapping[int, str]:
    """The paths of a few pictures by their places among the examples, from the first to the last of them.

    Args:
        task: none are shown where its answers are not drawn on pictures.
        examples: of the evaluation.
    """
    if not task.answer.on_picture or not examples:
        return {}
    count = min(SHOWN, len(examples))
    places = (number * len(examples) // count for number in range(count))
    return {place: str(examples[place].input) for place in places}


def small_drawing(answer: Answer, picture: str) -> Block | None:
    """What an answer marks on its picture, with a mask of few pixels and not all of very many boxes; None for nothing.

    Args:
        answer: of the model.
        picture: path of the file.
    """
    drawing = next((block for block in answer.blocks(picture) if isinstance(block, Boxes | Mask)), None)
    if drawing is None:
        return None
    drawing = msgspec.structs.replace(drawing, title=Path(picture).name)
    if isinstance(drawing, Boxes):
        return msgspec.structs.replace(drawing, boxes=drawing.boxes[:MOST_BOXES])
    return _small_mask(drawing)


def _small_mask(mask: Mask) -> Mask | None:
    from PIL import Image

    indexes = mask_indexes(mask)
    if isinstance(indexes, Rejected):
        return None
    scale = min(1.0, MASK_SIDE / max(indexes.size))
    width, height = (max(1, round(length * scale)) for length in indexes.size)
    small = indexes.resize((width, height), Image.Resampling.NEAREST)
    return msgspec.structs.replace(mask, width=width, height=height, mask=png_of(small))


def within_bytes(drawings: Iterable[Block]) -> tuple[Block, ...]:
    """As many of the first ones as a log has room for."""
    kept: list[Block] = []
    size = 0
    for drawing in drawings:
        size += len(encode_json(drawing))
        if size > MOST_BYTES:
            break
        kept.append(drawing)
    return tuple(kept)
