"""The text of the echo plugin, to be changed and installed in its place."""

from __future__ import annotations

from importlib.resources import files

SOURCE = (files("zoo_echo") / "plugin.py").read_text(encoding="utf-8")
FINETUNE = "def finetune(run: zoo.TrainingRun) -> zoo.Trainable:\n"
"""Where the body of its hook begins."""
MODULE = "changed_echo"
"""Name of the changed module; the distribution keeps its own and hides the one that is installed."""
