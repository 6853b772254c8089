"""Values in a cell of text, as JSON or Python prints them."""

from __future__ import annotations

import ast
import re
from typing import Any

_NO_COMMA_BETWEEN = re.compile(r"""['"]\s+['"]""")
"""How numpy prints texts; Python reads two that follow each other as one."""


def printed_value(text: str) -> Any:
    """What a text is the print of; None where it is none."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if _NO_COMMA_BETWEEN.search(text):
            return None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
