"""What a job lacked at its place, read from what was printed there."""

from __future__ import annotations

import re

from zoo.places.place import Place
from zoo.sanitize import one_line


def missing_there(place: Place, said: str) -> tuple[str, str] | None:
    """What a job lacked at its place, and how to mend it, from what it and the place have printed; None for nothing."""
    environment = place.settings.environment or "the environment"
    for package, distribution in (("zoo", "zoo-models"), ("submitit", "zoo-models[slurm]")):
        if re.search(rf"No module named ['\"]?{package}\b", said):
            words = f"{environment} has no {package} at place {place.name}"
            return words, f"install it there: pip install '{distribution}'"
    if missing := re.search(r"execve\(\): ([^\n]+?): No such file", said):
        words = f"there is no {one_line(missing[1])} at place {place.name}"
        return words, "environment names a virtual environment that is seen there, too"
    return None
