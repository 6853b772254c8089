"""Palettes that name the classes of masks: lines of a colour and a name, in the forms that are usual.

background:0,0,0::                 labelmap.txt, as CVAT writes it
background,0,0,0                   class_dict.csv, as CamVid comes; below a line of headings
  0   0   0	background             a palette of GIMP's, .gpl
"""

from __future__ import annotations

import re

_LINES = (
    re.compile(r"(?P<name>[^:]+):\s*(?P<red>\d{1,3})\s*,\s*(?P<green>\d{1,3})\s*,\s*(?P<blue>\d{1,3})\s*(?::.*)?"),
    re.compile(r"(?P<name>.+?)\s*,\s*(?P<red>\d{1,3})\s*,\s*(?P<green>\d{1,3})\s*,\s*(?P<blue>\d{1,3})"),
    re.compile(r"(?P<red>\d{1,3})\s+(?P<green>\d{1,3})\s+(?P<blue>\d{1,3})\s+(?P<name>.+)"),
)
_HEADINGS = re.compile(r"#.*|GIMP Palette|(?:Name|Columns):.*|name\s*,\s*r\s*,\s*g\s*,\s*b", re.IGNORECASE)
_UNNAMED = "Untitled"
"""What GIMP calls a colour that nobody named."""


def palette_entries(text: str) -> list[dict[str, object]]:
    """Name and colour of each class, as classes.json has them.

    Raises:
        ValueError: naming the first line that is none.
    """
    entries: list[dict[str, object]] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or _HEADINGS.fullmatch(line):
            continue
        match = next((match for form in _LINES if (match := form.fullmatch(line))), None)
        if match is None or match["name"].strip() == _UNNAMED:
            raise ValueError(f"line {number}, {line[:60]!r}, does not name a colour, as in background:0,0,0")
        colour = [int(match[channel]) for channel in ("red", "green", "blue")]
        entries.append({"name": match["name"].strip(), "color": colour})
    return entries
