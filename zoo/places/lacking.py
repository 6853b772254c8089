"""What a job lacked at its place, read from what was printed there."""

from __future__ import annotations

import re

from zoo.places.place import Place
from zoo.sanitize import one_line

_DISTRIBUTIONS = {"zoo": "zoo-models", "submitit": "zoo-models[slurm]"}


def missing_there(place: Place, said: str) -> tuple[str, str] | None:
    """What a job lacked at its place, and how to mend it, from what it and the place have printed; None for nothing."""
    environment = place.settings.environment or "the environment"
    if modules := re.findall(r"No module named ['\"]?(\w+)", said):
        package = modules[-1]
        words = f"{environment} has no {package} at place {place.name}"
        return words, f"install it there: pip install '{_DISTRIBUTIONS.get(package, package)}'"
    if missing := re.search(r"(?:execve\(\)|env): [^\w/]?(/[^\n]+?)[^\w/]?: No such file", said):
        words = f"there is no {one_line(missing[1])} at place {place.name}"
        return words, "environment names a virtual environment that is seen there, too"
    if command := re.search(r"(?:^|\s)(srun|python[\d.]*): (?:command )?not found\s*$", said, re.MULTILINE):
        words = f"there is no {one_line(command[1])} at place {place.name}"
        return words, "let setup at the place add the folder of it to PATH"
    return None
