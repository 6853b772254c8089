"""Lines in the README of a result whose head sees feature maps: what it was trained on, and a picture on its canvas."""

from __future__ import annotations

from zoo.training.images.pyramid import MapSources

LOAD_CONFIG = """config = json.loads(Path("this folder/config.json").read_text(encoding="utf-8"))
labels, image = config["labels"], config["image"]
width, height = image["canvas"]"""
_WHOLE = '.load_state_dict(load_file("this folder/model.safetensors"))'
_PARTS = """lacking, unknown = {network}.load_state_dict(load_file("this folder/model.safetensors"), strict=False)
assert not unknown  # what is lacking are layers that no feature map comes from"""
PLACE_PICTURE = """picture = Image.open("a.jpg").convert("RGB")
scale = min(width / picture.width, height / picture.height)
size = round(picture.width * scale), round(picture.height * scale)
canvas = Image.new("RGB", (width, height), tuple(round(255 * mean) for mean in image["mean"]))
canvas.paste(picture.resize(size, Image.Resampling.BILINEAR))"""


def load_weights(network: str, sources: MapSources) -> str:
    """Lines that fill a network of some name."""
    return _PARTS.format(network=network) if sources.has_other_layers else network + _WHOLE
