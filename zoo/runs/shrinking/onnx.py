"""A network in 8 bits that ONNX Runtime answers with."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

from zoo.runs.shrinking.attempt import Attempt, Model
from zoo.shrink_options import FORMATS, ONNX


class OnnxInt8:
    """A form: the model as one network for ONNX Runtime, whose weights have 8 bits.

    Args:
        attempt: at making that model smaller.
    """

    name, words, student, trainable = ONNX, FORMATS[ONNX], "", False

    def __init__(self, attempt: Attempt) -> None:
        self._attempt, self._usage = attempt, ""

    def usage(self, name: str) -> str:
        """The lines of Python that its folder answers by."""
        return self._usage

    def make(self, folder: Path) -> Model:
        """Write it; what is not in 8 bits is computed in float32."""
        model = self._attempt.model
        run = dataclasses.replace(self._attempt.prediction_run(model), device="cpu", precision="fp32")
        self._usage = importlib.import_module("zoo.training.portable.int8").write_int8(model.plugin, run, folder)
        precision = self._attempt.precision_of(model.card, "int8")
        return model._replace(folder=folder, precision=precision)
