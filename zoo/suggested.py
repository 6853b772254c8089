"""Well-known models of the Hub that no card describes: what to pull, the best of each task and size before others.

Licence and number of parameters as they are published, the latter rounded; what could not be found is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec

SMALL, MEDIUM = 60_000_000, 250_000_000
"""Parameters up to which a model is small, or of medium size."""


class SuggestedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    repository: str
    task: str = ""
    license: str = ""
    """SPDX identifier, or what the publisher calls it."""
    parameters: int | None = None

    @property
    def size(self) -> int:
        """0 for a small one, 1 for a medium one, 2 for a large one and for one that does not say."""
        if self.parameters is None:
            return 2
        return (self.parameters > SMALL) + (self.parameters > MEDIUM)

    def matches(self, words: Iterable[str] = (), *, task: str = "", max_parameters: int | None = None) -> bool:
        """Whether it has everything given.

        Args:
            words: in lower case; each must occur in the repository's name or in the task. `to pull` always does.
            task: what it does.
            max_parameters: most of them; a model that does not state their number has too many.
        """
        haystack = f"{self.repository} {self.task} to pull".lower()
        return (
            (not task or task == self.task)
            and all(word in haystack for word in words)
            and (max_parameters is None or (self.parameters is not None and self.parameters <= max_parameters))
        )


@cache
def _models() -> tuple[SuggestedModel, ...]:
    """All of them, as `suggested.json` has them: by task, the best of a size first."""
    by_task = msgspec.json.decode((files("zoo") / "suggested.json").read_bytes(), type=dict[str, list[SuggestedModel]])
    return tuple(msgspec.structs.replace(one, task=task) for task, models in by_task.items() for one in models)


def suggested(words: Iterable[str] = (), *, task: str = "", max_parameters: int | None = None) -> list[SuggestedModel]:
    """Those that match, see `SuggestedModel.matches`: task by task, small ones first, the best of a size first."""
    words = tuple(words)
    matching = [one for one in _models() if one.matches(words, task=task, max_parameters=max_parameters)]
    tasks = list(dict.fromkeys(one.task for one in matching))
    return sorted(matching, key=lambda one: (tasks.index(one.task), one.size))
