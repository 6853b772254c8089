"""The pages for authors of plugins, as they are installed with zoo: what messages send an author to."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import OptionInvalid
from zoo.suggestions import did_you_mean

PAGES = {
    "first-plugin": "plugins/first-plugin.md",
    "models": "plugins/models.md",
    "contract": "plugins/contract.md",
    "body": "plugins/body.md",
    "own-loop": "plugins/own-loop.md",
    "task": "plugins/task.md",
    "wrappers": "plugins/wrappers.md",
    "hooks": "reference/hooks.md",
    "training": "reference/training.md",
    "options": "reference/options.md",
}
"""Name of a page to its file."""
_COMMENT = re.compile(r"^[ ]*<!--.*?-->\n\n?", re.MULTILINE)
"""What is said to the tests of the pages."""


def page(name: str) -> str:
    """The text of a page.

    Raises:
        OptionInvalid: there is none of that name.
    """
    if name not in PAGES:
        hint = did_you_mean(name, PAGES, f"pages: {', '.join(PAGES)}")
        raise OptionInvalid(f"there is no page {name!r} in the guide", hint)
    return _COMMENT.sub("", (_folder() / PAGES[name]).read_text(encoding="utf-8"))


def title(name: str) -> str:
    """What a page calls itself."""
    return next(line.removeprefix("# ") for line in page(name).splitlines() if line.startswith("# "))


def _folder() -> Path:
    """Beside this module in a wheel; the docs themselves where zoo runs from its repository."""
    installed = Path(__file__).parent / "guide_pages"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "docs"
