"""Models of pictures for other libraries: a network from normalised pixels to what is answered from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Embedding
from zoo.errors import StoreInvalid, Unsupported
from zoo.tasks.task import LEVELS
from zoo.training.body import HEAD
from zoo.training.head import DETECTION, SEGMENTATION, HeadConfig
from zoo.training.images.answering import FeaturePredictor, HeadPredictor
from zoo.training.images.config import ImageConfig
from zoo.training.images.preprocessing import Preprocessing
from zoo.training.objectives import objective_class, pooled_objective
from zoo.training.portable.answers import VECTORS, head_facts, head_of, printed
from zoo.training.portable.network import FACTS, Compute, Portable, PortableInput, Usage
from zoo.training.pretrained import read_json

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.images.annotated import Canvas
    from zoo.training.images.body import ImageBody
    from zoo.training.images.fcos import Locations

EXAMPLE = 2
"""Pictures that torch follows the network with."""
_IMPORTS = "from PIL import Image, ImageOps"
_OPEN = """image = facts["image"]
picture = ImageOps.exif_transpose(Image.open("a.jpg")).convert("RGB")"""
_SEEN = "Zoo sees what is transparent in a picture as white, and scales samples of 16 bits to 8."
_PIXELS = """pixels = (np.asarray({picture}, np.float32) / 255 - image["mean"]) / image["std"]
pixel_values = pixels.transpose(2, 0, 1)[None].astype(np.float32)"""
_CENTRE = """size, resized = image["input_size"][1], image["resize_size"]
picture = picture.resize({sides}, Image.Resampling.{resampling})
left, top = (round((side - size) / 2) for side in picture.size)
picture = picture.crop((left, top, left + size, top + size))"""
_SHORTER = "[int(resized * side / min(picture.size)) for side in picture.size]"
_SQUASHED = "(resized, resized)"
_CANVAS = """scale = min(image["width"] / picture.width, image["height"] / picture.height)
size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
canvas = Image.new("RGB", (image["width"], image["height"]), tuple(image["fill"]))
canvas.paste(picture.resize(size, Image.Resampling.BILINEAR))"""
_MASK = """classes = logits[0, :, : size[1], : size[0]].argmax(0).astype(np.uint8)
mask = Image.fromarray(classes).resize(picture.size, Image.Resampling.NEAREST)
for number, label in enumerate(facts["labels"]):
    print(label, (np.asarray(mask) == number).mean())"""
_BOXES = """boxes, scores, shown = scored[0, :, :4], scored[0, :, 4:], []
has_area = (boxes[:, 2:] > boxes[:, :2]).all(1, keepdims=True)
candidates = np.argwhere(has_area & (scores > facts["boxes"]["threshold"]))
for place, number in sorted(candidates.tolist(), key=lambda one: -scores[tuple(one)]):
    box = boxes[place]
    overlaps = [  # with better ones of the same class, of what both cover
        (common := np.clip(np.minimum(box, other)[2:] - np.maximum(box, other)[:2], 0, None).prod())
        / ((box[2:] - box[:2]).prod() + (other[2:] - other[:2]).prod() - common)
        for other, label in shown
        if label == number
    ]
    if all(overlap <= facts["boxes"]["nms"] for overlap in overlaps):
        shown.append((box, number))
        factors = [picture.width / size[0], picture.height / size[1]] * 2
        print(facts["labels"][number], scores[place, number], (box * factors).tolist())"""


def portable_images(run: PredictionRun, body: ImageBody) -> Portable:
    """A body of pictures and the head of its weights.

    Args:
        run: a prediction on the CPU in fp32.
        body: of the weights.

    Raises:
        Unsupported: the task is answered by more than that.
    """
    config = body.config
    if not run.task.needs >= LEVELS:
        return PortableImages(run, body)
    known = {SEGMENTATION: PortableSegmenter, DETECTION: PortableDetector}
    if config.head is None or config.canvas is None or config.head.problem_type not in known:
        raise Unsupported(
            f"{run.card.name} has no head for {run.task.name} that could be written", "fine-tune it first"
        )
    return known[config.head.problem_type](run, body)


class PortableImages(Portable):
    """One vector a picture, or what the head says of it."""

    form = "pixels"

    def __init__(self, run: PredictionRun, body: ImageBody) -> None:
        self._run, self._preprocessing = run, body.config.preprocessing
        self._head_config: HeadConfig | None = None
        if issubclass(run.task.answer, Embedding):
            self.output = "vectors"
            self.module: nn.Module = _Pooled(body, nn.Identity())
        else:
            pooled_objective(run.task)
            if body.head_config is None:
                raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
            self._head_config = body.head_config
            self.module = _Pooled(body, body.head_for(body.head_config))
        size = self._preprocessing.size
        self.inputs = (PortableInput("pixel_values", torch.zeros(EXAMPLE, 3, size, size), {0: "batch"}),)

    def predictor(self, compute: Compute, folder: Path) -> Predictor:
        """The usual one, with a network that is computed elsewhere."""
        return predictor_of(self._run, compute, folder)

    def facts(self) -> dict[str, Any]:
        """Labels, and how a picture is seen."""
        return head_facts(self._head_config) | {"image": self._preprocessing.to_json()}

    def usage(self) -> Usage:
        """With Pillow."""
        sides = _SQUASHED if self._preprocessing.crop_mode == "squash" else _SHORTER
        centre = _CENTRE.format(sides=sides, resampling=self._preprocessing.interpolation.upper())
        before = "\n".join((_OPEN, centre, _PIXELS.format(picture="picture")))
        longer = "Of one that is longer than four times its width it sees the middle."
        remark = _SEEN if sides == _SQUASHED else f"{_SEEN} {longer}"
        return Usage(_IMPORTS, before, printed(self._head_config) if self._head_config else VECTORS, remark)


def predictor_of(run: PredictionRun, compute: Compute, folder: Path) -> Predictor:
    """What answers pictures by a folder that was written.

    Args:
        run: a prediction.
        compute: of the file of the network.
        folder: has the facts.

    Raises:
        StoreInvalid: they cannot be read.
    """
    facts = read_json(folder / FACTS)
    try:
        config = ImageConfig("", {}, head_of(facts), Preprocessing.from_json(facts["image"]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise StoreInvalid(f"{folder / FACTS} cannot be read: {error!r}", "export it again") from error
    return (FeaturePredictor if config.head is None else HeadPredictor)(run, config, compute)


class _Pooled(nn.Module):
    """From (batch, 3, height, width) to (batch, outputs)."""

    def __init__(self, body: ImageBody, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head, self._vectors = body.module, head, body.vectors

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Of normalised pixels."""
        outputs: torch.Tensor = self.head(self._vectors(self.body, pixel_values))
        return outputs


class PortableSegmenter(Portable):
    """A score of each class at each pixel of a canvas."""

    def __init__(self, run: PredictionRun, body: ImageBody) -> None:
        assert body.config.head is not None
        assert body.config.canvas is not None
        self._run, self._body, self._head_config = run, body, body.config.head
        self._canvas = body.canvas(body.config.canvas)
        head = body.mask_head(len(self._head_config.labels))
        body.fill_head(head, self._head_config, body.mask_layout)
        self.module = _Maps(body, head)
        picture = torch.zeros(EXAMPLE, 3, self._canvas.height, self._canvas.width)
        self.inputs = (PortableInput("pixel_values", picture, {0: "batch"}),)

    def predictor(self, compute: Compute, folder: Path) -> Predictor:
        """The usual one, with a network that is computed elsewhere."""
        from zoo.training.images.segmenting import SegmentationPredictor

        def scores(images: torch.Tensor) -> torch.Tensor:
            return compute(self._body.normalised(self._body.module, {"images": images}))

        return SegmentationPredictor(self._run, self._body, scores)

    def facts(self) -> dict[str, Any]:
        """Labels, and how a picture is seen."""
        return head_facts(self._head_config) | {"image": _canvas_facts(self._body, self._canvas)}

    def usage(self) -> Usage:
        """With Pillow."""
        before = "\n".join((_OPEN, _CANVAS, _PIXELS.format(picture="canvas")))
        return Usage(_IMPORTS, before, _MASK, f"{_SEEN} It enlarges the scores to the picture, and not the classes.")


def _canvas_facts(body: ImageBody, canvas: Canvas) -> dict[str, Any]:
    """How a picture comes onto a canvas."""
    preprocessing = body.config.preprocessing
    return {
        "width": canvas.width,
        "height": canvas.height,
        "fill": list(canvas.fill),
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
    }


class PortableDetector(Portable):
    """A box at each location of a canvas, and a score of each class; the doubles are left out afterwards."""

    output = "scored"

    def __init__(self, run: PredictionRun, body: ImageBody) -> None:
        from zoo.training.images.detecting import network_of

        assert body.config.head is not None
        assert body.config.canvas is not None
        self._run, self._body, self._head_config = run, body, body.config.head
        self._layout = objective_class(run.task).layout
        self._canvas = body.canvas(body.config.canvas)
        network, locations = network_of(body, self._layout, torch.device("cpu"), torch.float32)
        self.module = _Boxes(body, network.get_submodule(HEAD), locations, self._canvas.size)
        picture = torch.zeros(EXAMPLE, 3, self._canvas.height, self._canvas.width)
        self.inputs = (PortableInput("pixel_values", picture, {0: "batch"}),)

    def predictor(self, compute: Compute, folder: Path) -> Predictor:
        """The usual one, with a network that is computed elsewhere."""
        from zoo.training.images.detecting import DetectionPredictor

        def scored(images: torch.Tensor) -> torch.Tensor:
            return compute(self._body.normalised(self._body.module, {"images": images}))

        return DetectionPredictor(self._run, self._body, self._layout, scored)

    def facts(self) -> dict[str, Any]:
        """Labels, how a picture is seen, and which boxes are shown."""
        from zoo.training.images.detecting import NMS, THRESHOLD

        shown = {"threshold": THRESHOLD, "nms": NMS}
        return head_facts(self._head_config) | {"image": _canvas_facts(self._body, self._canvas), "boxes": shown}

    def usage(self) -> Usage:
        """With Pillow."""
        before = "\n".join((_OPEN, _CANVAS, _PIXELS.format(picture="canvas")))
        return Usage(
            _IMPORTS, before, _BOXES, f"{_SEEN} It takes the best 1,000 candidates of each level, and 100 boxes."
        )


class _Boxes(nn.Module):
    """From (batch, 3, height, width) to (batch, locations, 4 + classes)."""

    def __init__(self, body: ImageBody, head: nn.Module, locations: Locations, size: tuple[int, int]) -> None:
        super().__init__()
        self.body, self.head, self._feature_maps, self._size = body.module, head, body.feature_maps, size
        self.register_buffer("squares", locations.boxes.clone(), persistent=False)
        self._per_level = locations.per_level

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Of normalised pixels."""
        from zoo.training.images.fcos import Locations, scored_boxes

        outputs = self.head(self._feature_maps(self.body, pixel_values))
        squares = self.get_buffer("squares")
        return scored_boxes(outputs, Locations(squares, self._per_level), self._size)


class _Maps(nn.Module):
    """From (batch, 3, height, width) to (batch, classes, height, width)."""

    def __init__(self, body: ImageBody, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head, self._feature_maps = body.module, head, body.feature_maps

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Of normalised pixels."""
        scores: torch.Tensor = self.head([pixel_values, *self._feature_maps(self.body, pixel_values)])
        return scores
