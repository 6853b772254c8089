"""What a network is written as: ONNX, or a program of torch."""

from __future__ import annotations

import contextlib
import importlib
import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from zoo.disk import is_full
from zoo.errors import Unsupported
from zoo.sanitize import error_text, one_line
from zoo.suggestions import AS_SAFETENSORS
from zoo.training.portable.network import Compute, Portable

MOST_IN_ONE_FILE = 1_800_000_000
"""Bytes of weights up to which an ONNX file holds them itself; one of 2 GB cannot be read."""


class PortableFormat(ABC):
    """One of them."""

    file: str
    """Name of the file."""
    imports: str
    """Lines of Python."""
    load: str
    """Likewise; they make what `call` needs."""

    extra: str = ""
    """Of zoo, which brings the next."""
    packages: tuple[str, ...] = ()
    """Modules that writing takes beside torch, in the order of import; the last one computes what was written."""

    def check(self) -> None:
        """Insist on the packages that writing takes.

        Raises:
            Unsupported: one of them is not installed.
        """
        self._import(self.packages)

    def check_reading(self) -> None:
        """Insist on what computes a network that was written; errors as those of `check`."""
        self._import(self.packages[-1:])

    def _import(self, names: tuple[str, ...]) -> None:
        for name in names:
            try:
                importlib.import_module(name)
            except (ImportError, OSError) as error:  # the latter by a library of the system that lacks
                raise Unsupported(
                    f"this format needs {name}, which cannot be imported: {one_line(error_text(error))}",
                    f"pip install 'zoo-models[{self.extra}]'",
                ) from error

    @abstractmethod
    def write(self, portable: Portable, folder: Path) -> None:
        """Write the network.

        Raises:
            Unsupported: torch cannot follow what it computes, or this format has no such operations.
        """

    @abstractmethod
    def compute(self, folder: Path) -> Compute:
        """What computes with the file that was written."""

    @abstractmethod
    def call(self, portable: Portable) -> str:
        """A line of Python from arrays of the inputs to one of the output."""


class Onnx(PortableFormat):
    """For ONNX Runtime and whatever else reads ONNX (https://onnx.ai)."""

    file = "model.onnx"
    imports = "import onnxruntime"
    load = 'session = onnxruntime.InferenceSession("this folder/model.onnx")'
    extra = "onnx"
    packages = ("onnx", "onnxscript", "onnxruntime")

    def write(self, portable: Portable, folder: Path) -> None:
        """By way of torch's program."""
        program = program_of(portable)
        size = sum(tensor.nbytes for tensor in portable.module.state_dict().values())
        with _quiet(), named(portable):
            written = torch.onnx.export(
                program,
                dynamo=True,
                input_names=[one.name for one in portable.inputs],
                output_names=[portable.output],
                verbose=False,
            )
            assert written is not None
            shapes: list[Any] = [value.shape for value in written.model.graph.inputs]
            written.rename_axes(
                {
                    str(shape[number].value): name
                    for shape, one in zip(shapes, portable.inputs, strict=True)
                    for number, name in one.dynamic.items()
                }
            )
            written.save(folder / self.file, external_data=size > MOST_IN_ONE_FILE)

    def compute(self, folder: Path) -> Compute:
        """By ONNX Runtime."""
        onnxruntime = importlib.import_module("onnxruntime")
        onnxruntime.disable_telemetry_events()  # which Microsoft's own builds for Windows send
        session = onnxruntime.InferenceSession(folder / self.file, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]

        def compute(*tensors: torch.Tensor) -> torch.Tensor:
            arrays = {name: tensor.cpu().contiguous().numpy() for name, tensor in zip(names, tensors, strict=True)}
            return torch.from_numpy(session.run(None, arrays)[0])

        return compute

    def call(self, portable: Portable) -> str:
        """Of a session."""
        arrays = ", ".join(f'"{one.name}": {one.name}' for one in portable.inputs)
        return f"({portable.output},) = session.run(None, {{{arrays}}})"


class TorchProgram(PortableFormat):
    """For torch alone: a zip archive of a graph in JSON and of weights as plain bytes.

    What `torch.export.load` would unpickle, example inputs, are left out.
    """

    file = "model.pt2"
    imports = "import torch"
    load = 'network = torch.export.load("this folder/model.pt2").module()'

    def write(self, portable: Portable, folder: Path) -> None:
        """As it is."""
        program = program_of(portable)
        program.example_inputs = None
        with _quiet():
            torch.export.save(program, folder / self.file)

    def compute(self, folder: Path) -> Compute:
        """By torch."""
        with _quiet():
            module = torch.export.load(folder / self.file).module()

        def compute(*tensors: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                output: torch.Tensor = module(*tensors)
            return output

        return compute

    def call(self, portable: Portable) -> str:
        """Of a module."""
        arrays = ", ".join(f"torch.from_numpy({one.name})" for one in portable.inputs)
        return f"{portable.output} = network({arrays}).detach().numpy()"


FORMATS: dict[str, PortableFormat] = {"onnx": Onnx(), "torch": TorchProgram()}
"""By their names in `zoo.api.result_folder.FORMATS`."""


def program_of(portable: Portable) -> torch.export.ExportedProgram:
    """What the network computes, as torch follows it.

    Raises:
        Unsupported: it cannot be followed, or insists on the sizes of the example.
    """
    module = portable.module.eval().requires_grad_(False)
    bounds = {name: (one.fewest, one.most) for one in portable.inputs for name in list(one.dynamic.values())[-1:]}
    dimensions = {
        name: torch.export.Dim(name, min=fewest or None, max=most or None)
        for one in portable.inputs
        for name in one.dynamic.values()
        for fewest, most in [bounds.get(name, (0, 0))]
    }
    shapes = [{number: dimensions[name] for number, name in one.dynamic.items()} for one in portable.inputs]
    with _quiet(), named(portable), torch.no_grad():
        return torch.export.export(
            module, tuple(one.example for one in portable.inputs), dynamic_shapes=tuple(shapes), strict=False
        )


@contextlib.contextmanager
def named(portable: Portable, fails: str = "cannot be written down") -> Iterator[None]:
    """Errors of the exporters, and of what computes what they wrote, in one line.

    Args:
        portable: whose they are.
        fails: what it does then.

    Raises:
        Unsupported: there was one, unless it is that a disk is full.
    """
    try:
        yield
    except Exception as error:  # they raise whatever the network's own code runs into
        if is_full(error):
            raise
        raise Unsupported(
            f"{type(portable.module).__name__} {fails}: {type(error).__name__}: {one_line(error_text(error))[:300]}",
            AS_SAFETENSORS,
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporters say of their own workings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
