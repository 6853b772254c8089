"""Networks of the library transformers: read from a folder, without code of a repository.

Needs transformers, which a plugin that builds on this names among its requirements.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers.models.auto.auto_factory import _get_model_class

from zoo.errors import StoreInvalid, Unsupported
from zoo.hub_config import WEIGHTS
from zoo.training.packing import SAID, is_packed, load_tensors

SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""How everything is loaded."""


def read_config(folder: Path) -> Any:
    """The configuration of a model.

    Raises:
        StoreInvalid: it cannot be read.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        config: Any = transformers.AutoConfig.from_pretrained(folder, **SAFE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreInvalid(
            f"{folder / 'config.json'} cannot be read: {_first_line(error)}", "fetch it again"
        ) from error
    if is_packed(folder):  # zoo unpacks it, and not transformers
        vars(config).pop(SAID, None)
    return config


def load_network(
    auto: Any, folder: Path, config: Any, fitting: Callable[[str], bool] = bool, *, with_head: bool = False
) -> Any:
    """A network in float32, filled from a folder; a head that the weights lack begins with random numbers.

    Args:
        auto: an Auto class of transformers, which says what head it has.
        folder: holds the files.
        config: as `read_config` gives it.
        fitting: whether the weights must have a tensor as the network has it, by its name, even within the body.
        with_head: refuse weights that lack the head, too, or have one of another shape.

    Raises:
        Unsupported: transformers has no such network of this architecture.
        StoreInvalid: the weights are unreadable, or of another network.
    """
    if type(config) not in auto._model_mapping:
        raise Unsupported(f"transformers has no {auto.__name__} of {config.model_type}", "choose another --task")
    try:
        weights = _weights(folder)
        # An Auto class insists on a folder; the one that it would take does not.
        maker = _get_model_class(config, auto._model_mapping) if "state_dict" in weights else auto
        network, report = maker.from_pretrained(
            **weights,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **SAFE,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise StoreInvalid(
            f"the weights in {folder} cannot be read: {_first_line(error)}", "fetch them again"
        ) from error
    prefix = "" if with_head or network.base_model is network else f"{network.base_model_prefix}."
    lacking = sorted(name for name in report["missing_keys"] if name.startswith(prefix) and not _may_lack(name))
    mismatched = (str(one[0]) for one in report["mismatched_keys"])
    odd = sorted(name for name in mismatched if name.startswith(prefix) and fitting(name))
    if lacking or odd:
        raise StoreInvalid(
            f"the weights in {folder} do not fit the network: {', '.join((*lacking, *odd)[:5])}", "fetch them again"
        )
    return network


def _weights(folder: Path) -> dict[str, Any]:
    """Where transformers finds weights: in a folder, or those that it cannot read as they are, with how it writes."""
    if not is_packed(folder):
        return {"pretrained_model_name_or_path": folder}
    written = (folder / "generation_config.json").exists()
    return {
        "pretrained_model_name_or_path": None,
        "state_dict": load_tensors(folder / WEIGHTS),
        "generation_config": transformers.GenerationConfig.from_pretrained(folder, **SAFE) if written else None,
    }


def _may_lack(name: str) -> bool:
    """Whether a network does without weights for a tensor.

    The pooler, which few heads use and some files leave out; and what stands for hidden moments of a recording.
    """
    return ".pooler." in name or name.startswith("pooler.") or name.endswith("masked_spec_embed")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
