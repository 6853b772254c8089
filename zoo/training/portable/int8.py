"""Models in 8 bits that ONNX Runtime answers with: made of a result, and answering by their folder alone."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import StoreInvalid, Unsupported
from zoo.runs.result import ONNX_MARK
from zoo.training.portable.folder import write_folder
from zoo.training.portable.formats import FORMATS
from zoo.training.portable.network import FACTS
from zoo.training.pretrained import read_json

if TYPE_CHECKING:
    from zoo.plugins import Plugin
    from zoo.runs.context import PredictionRun, Predictor

_ANSWERING = {"tokens": "zoo.training.text.portable", "pixels": "zoo.training.images.portable"}
"""Modules whose `predictor_of` answers by a folder alone, by what its network is given."""
_USAGE = re.compile(r"## Use without zoo\n.*?(?=\n## |\Z)", re.DOTALL)


def write_int8(plugin: Plugin, run: PredictionRun, folder: Path) -> str:
    """Write a model as a network whose weights have 8 bits, with a scale for each output; inputs of layers get theirs
    anew each time (dynamic quantisation).

    Args:
        plugin: that answers.
        run: a prediction on the CPU in fp32.
        folder: is made.

    Returns:
        How it answers without zoo, in markdown.

    Raises:
        Unsupported: it is no single network, a folder of it does not answer by itself, or a package is missing.
    """
    FORMATS["onnx"].check()
    portable = plugin.answering_body(run).portable(run)
    if portable.form not in _ANSWERING:
        raise Unsupported(f"zoo does not answer {run.task.name} by ONNX Runtime", "")
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as text:
        whole = Path(text)
        write_folder(portable, run, "onnx", whole)
        facts = read_json(whole / FACTS)
        usage = _USAGE.search((whole / "README.md").read_text(encoding="utf-8"))
        shutil.copytree(whole, folder, ignore=shutil.ignore_patterns(f"{FORMATS['onnx'].file}*", "README.md"))
        text_of_facts = json.dumps({**facts, **ONNX_MARK}, indent=2, ensure_ascii=False)
        (folder / FACTS).write_text(f"{text_of_facts}\n", encoding="utf-8")
        _quantize(whole / FORMATS["onnx"].file, folder / FORMATS["onnx"].file, signed=portable.form == "tokens")
    return usage.group().strip() if usage else ""


def _quantize(whole: Path, target: Path, *, signed: bool) -> None:
    """Write the network of a file in 8 bits.

    Args:
        whole: the file.
        target: is written.
        signed: whether weights have a sign; ONNX Runtime has no convolution of such. They have 7 bits: processors
            without VNNI add pairs of products with a sign in 16 bits, which full ones overflow in silence, and the
            folder is to answer the same wherever it is taken.
    """
    quantization = importlib.import_module("onnxruntime.quantization")
    with _quiet():
        quantization.quantize_dynamic(
            whole,
            target,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8 if signed else quantization.QuantType.QUInt8,
            reduce_range=signed,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice to prepare networks of other exporters."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def predictor(run: PredictionRun) -> Predictor:
    """What answers with such a folder, on the CPU.

    Raises:
        StoreInvalid: it cannot be read.
        Unsupported: a package is missing.
    """
    FORMATS["onnx"].check_reading()
    form = read_json(run.weights / FACTS).get("form")
    if form not in _ANSWERING:
        raise StoreInvalid(f"{run.weights / FACTS} is of another version of zoo", "make the model smaller again")
    if run.device != "cpu":
        run.note(f"{run.card.name} is computed by ONNX Runtime, on the CPU")
    here = dataclasses.replace(run, device="cpu", precision="fp32")
    made: Predictor = importlib.import_module(_ANSWERING[form]).predictor_of(
        here, FORMATS["onnx"].compute(run.weights), run.weights
    )
    return made
