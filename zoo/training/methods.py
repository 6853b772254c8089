"""What is trained: everything, the head alone, or low-rank adapters and the head."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Protocol

from safetensors.torch import load_file, save_file
from torch import nn

from zoo.errors import Unsupported
from zoo.hyperparameters import FinetuneOptions, TrainingOptions
from zoo.training.body import renamed
from zoo.training.source import Learner

_PEFT = "base_model.model."
"""How peft has all names begin."""


class Method(Protocol):
    """How a module is made ready for training and taken back afterwards."""

    @property
    def module(self) -> nn.Module:
        """What the optimizer and the loss see."""
        ...

    @property
    def body_is_frozen(self) -> bool:
        """Whether nothing but the head changes."""
        ...

    def train_mode(self) -> None:
        """Switch dropout and the like on, wherever training reaches."""
        ...

    def trained(self, name: str) -> nn.Module:
        """A submodule of the learner's module, as it is trained."""
        ...

    def to_finish_apart(self) -> Method:
        """What can be finished as things stand, though this one is to be finished later."""
        ...

    def finish(self, folder: Path) -> nn.Module:
        """The plain module for export; what the method itself has to keep goes below the folder."""
        ...


def make_method(learner: Learner, options: TrainingOptions) -> Method:
    """Prepare the module for the method asked for; freezing is done in place.

    Raises:
        Unsupported: the model does not offer the method.
    """
    name = method_name(options, learner)
    if name == "full":
        return _Full(learner.module)
    if name == "head":
        if not learner.head:
            raise Unsupported("this model has no head apart from its body, so --method head cannot be used", "use full")
        if learner.headless:
            raise Unsupported(
                f"{', '.join(learner.headless)}: there is no head apart from the body to learn with --method head",
                "use --method full or lora, or leave that source out",
            )
        return _Head(learner)
    if not learner.lora_targets:
        raise Unsupported("this model does not say which layers LoRA adapts", "use --method full or head")
    assert isinstance(options, FinetuneOptions)
    return _Lora(learner, rank=options.lora_rank, alpha=options.lora_alpha)


def method_name(options: TrainingOptions, learner: Learner) -> str:
    """The method asked for, or the usual one: everything; privately what loses least to noise, which is little."""
    if not isinstance(options, FinetuneOptions):
        return "full"
    usual = "full"
    if options.private:
        usual = "lora" if learner.lora_targets else "head" if learner.head else "full"
    return options.method or usual


def train_what_learns(module: nn.Module) -> None:
    """Switch to training, but for layers whose own parameters are all frozen: those run as in prediction.

    Batch norms that are not trained thus keep the statistics they came with.
    """
    module.train()
    for layer in module.modules():
        own = list(layer.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            layer.training = False


class _Full:
    """All parameters are trained that the objective has not frozen itself."""

    body_is_frozen = False

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def train_mode(self) -> None:
        train_what_learns(self.module)

    def trained(self, name: str) -> nn.Module:
        return self.module.get_submodule(name)

    def to_finish_apart(self) -> Method:
        return self

    def finish(self, folder: Path) -> nn.Module:
        return self.module


class _Head:
    """The body is frozen and runs as in prediction, without dropout."""

    body_is_frozen = True

    def __init__(self, learner: Learner) -> None:
        self.module = learner.module
        self._head = [self.module.get_submodule(name) for name in learner.head]
        self.module.requires_grad_(False)
        for part in self._head:
            part.requires_grad_(True)

    def train_mode(self) -> None:
        self.module.eval()
        for part in self._head:
            train_what_learns(part)

    def trained(self, name: str) -> nn.Module:
        return self.module.get_submodule(name)

    def to_finish_apart(self) -> Method:
        return self

    def finish(self, folder: Path) -> nn.Module:
        return self.module


class _Lora:
    """Low-rank updates of linear layers (Hu et al. 2021, arXiv:2106.09685) and the head."""

    body_is_frozen = False

    def __init__(self, learner: Learner, *, rank: int, alpha: float) -> None:
        import peft

        config = peft.LoraConfig(
            r=rank,
            lora_alpha=alpha,  # type: ignore[arg-type]  # peft only divides it by the rank
            target_modules=list(learner.lora_targets),
            modules_to_save=sorted({name.rpartition(".")[2] if learner.is_exported else name for name in learner.head}),
        )
        with warnings.catch_warnings():
            # GPT-2 of transformers has its weights the other way round: peft sees to that, and says so.
            warnings.filterwarnings("ignore", "fan_in_fan_out is set to False")
            self.module = peft.get_peft_model(learner.module, config)
        self._layout, self._is_exported = learner.layout, learner.is_exported
        self._copied = learner.head
        """Names of the submodules that peft trains copies of."""

    def train_mode(self) -> None:
        train_what_learns(self.module)

    def trained(self, name: str) -> nn.Module:
        for head in self._copied:
            if f"{name}.".startswith(f"{head}."):
                copy = self.module.get_submodule(f"base_model.model.{head}.modules_to_save.default")
                return copy.get_submodule(name.removeprefix(head).removeprefix("."))
        return self.module.get_submodule(f"base_model.model.{name}")

    def to_finish_apart(self) -> Method:
        return copy.deepcopy(self)  # as merging the adapters changes the layers

    def finish(self, folder: Path) -> nn.Module:
        if self._is_exported:
            self._save_adapter(folder)
        merged: nn.Module = self.module.merge_and_unload()
        return merged

    def _save_adapter(self, folder: Path) -> None:
        adapter = folder / "adapter"
        self.module.save_pretrained(str(adapter))
        (adapter / "README.md").unlink(missing_ok=True)  # a form that peft leaves to be filled in
        if self._layout:
            _rename_adapter(adapter, self._layout)


def _rename_adapter(adapter: Path, layout: tuple[tuple[str, str], ...]) -> None:
    """Give the tensors of an adapter the names that fit the ecosystem's own module."""
    weights, config = adapter / "adapter_model.safetensors", adapter / "adapter_config.json"
    state = load_file(weights)
    save_file(
        {_PEFT + renamed(name.removeprefix(_PEFT), layout): tensor for name, tensor in state.items()},
        weights,
        metadata={"format": "pt"},
    )
    stated = json.loads(config.read_text(encoding="utf-8"))
    stated["modules_to_save"] = [
        theirs.removesuffix(".").rpartition(".")[2]
        for ours, theirs in layout
        if ours.partition(".")[0] in (stated["modules_to_save"] or ())
    ]
    config.write_text(json.dumps(stated, indent=2, sort_keys=True), encoding="utf-8")
