"""A network with its weights in fewer bits."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import Unsupported
from zoo.hub_config import WEIGHTS
from zoo.runs.heads import link
from zoo.runs.result import MANIFEST
from zoo.runs.shrinking.attempt import Attempt, Model
from zoo.shrink_options import FORMATS


@dataclass(frozen=True)
class Packed:
    """A form: a network whose weights are packed."""

    attempt: Attempt
    format: str
    of: Callable[[], Model]
    """The network as it is."""
    name: str
    words: str
    student: str = ""
    trainable: bool = False

    @classmethod
    def original(cls, attempt: Attempt, format: str) -> Packed:
        """The model itself in a format."""
        return cls(attempt, format, lambda: attempt.model, format, FORMATS[format])

    def usage(self, name: str) -> str:
        """In float32."""
        export = f"zoo export {name} {name}-as-files"
        return f"zoo reads these weights as they are. For other libraries `{export}` writes them in float32."

    def make(self, folder: Path) -> Model:
        """Pack it; what is not packed takes no room twice."""
        model = self.of()
        if not (model.folder / WEIGHTS).exists():
            raise Unsupported(f"its plugin keeps no weights in {WEIGHTS}", "")
        copy_linked(model.folder, folder)
        importlib.import_module("zoo.training.packing").pack_folder(folder, self.format)
        preferred = ("bf16",) if self.format == "bf16" else ("int8", "bf16")
        return model._replace(folder=folder, precision=self.attempt.precision_of(model.card, *preferred))


def copy_linked(source: Path, target: Path) -> None:
    """Copy the folder of a network without taking room: what is changed later becomes a new file."""

    def linked(path: str, twin: str) -> None:
        link(Path(path), Path(twin))

    shutil.copytree(source, target, copy_function=linked, ignore=shutil.ignore_patterns(MANIFEST))
