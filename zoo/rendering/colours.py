"""The colour of a label: the same wherever it is drawn, and readable on a light ground and on a dark one."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
LIGHT, DARK = 0.74, 0.60
"""Lightness of the two rings of colours, of 1."""
CHROMA = 0.17
SALT = "22061"
"""What is hashed before a label: of the numbers to 60,000 the one that keeps the colours of usual labels (shapes, blood
cells, pets, streets, small numbers) apart."""
BACKGROUND = frozenset({"background", "_background_", "__background__"})
"""Labels that say that nothing is there, as data sets and torchvision name them: overlays leave them as they are."""


@lru_cache(maxsize=4096)
def label_colour(label: str) -> Colour:
    """The colour that a label has in every picture, list and legend, whatever labels are beside it."""
    digest = hashlib.sha256((SALT + label).encode(errors="surrogatepass")).digest()
    hue = int.from_bytes(digest[:2], "big") / 65536 * math.tau
    return _from_oklch(LIGHT if digest[2] & 1 else DARK, CHROMA, hue)


def hex_colour(colour: Colour) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is easier to read on a colour."""
    red, green, blue = colour
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else (255, 255, 255)


def _from_oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """OKLCh to sRGB (Ottosson 2020, https://bottosson.github.io/posts/oklab), cut to what a screen shows."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _channel(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _channel(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _channel(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def _channel(linear: float) -> int:
    """A share of linear light as a value of sRGB."""
    light = min(1.0, max(0.0, linear))
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))
