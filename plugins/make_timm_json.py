"""Write which of timm's networks give feature maps of four strides for pictures of any size: what their cards offer.

    uv run --group timm plugins/make_timm_json.py

Networks are built on torch's meta device; all of them take some ten minutes.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import timm
import torch
from zoo_timm.body import feature_maps, stages_of

from zoo.training.images.pyramid import PROBE

TARGET = Path(__file__).parent / "zoo-timm" / "zoo_timm" / "feature_maps.json"
SIZES = ((PROBE, PROBE), (256, 192))
"""Heights and widths of pictures that must have maps."""


def gives_maps(builder: str) -> bool:
    """Whether a network gives maps for pictures of several sizes, one of them no square."""
    published = timm.get_pretrained_cfg(builder, allow_unregistered=True)
    if published is not None and published.fixed_input_size:
        return False
    with torch.device("meta"), torch.inference_mode():
        network = timm.create_model(builder).eval()
        stages = stages_of(network)
        try:
            maps = [feature_maps(network, torch.empty(1, 3, *size), stages) for size in SIZES] if stages else []
        except (AssertionError, RuntimeError):
            return False
    strides = [[size[1] / one.shape[-1] for one in of_size] for size, of_size in zip(SIZES, maps, strict=False)]
    return bool(strides) and strides[0] == strides[1]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    names = [name for name in timm.list_models() if gives_maps(name)]
    TARGET.write_text(json.dumps({"timm": timm.__version__, "networks": names}, indent=0) + "\n", encoding="utf-8")
