"""Models in processes that are forked: by multiprocessing, or by a server that loads a model before it forks.

A fork has none of the threads that torch computes with, and OpenMP would wait for them for ever. So it computes in one
thread, as the workers of torch's own data loaders do. The driver of an accelerator does not survive a fork.
"""

from __future__ import annotations

import os
import sys

from zoo.errors import Unsupported

_devices: set[str] = set()
"""Kinds of the devices that hold models of this process."""
_lost_devices: set[str] = set()
"""Those of accelerators that a process has used from which this one was forked."""


def use_device(device: str, model: str) -> None:
    """Note that a model computes on a device.

    Args:
        device: as torch names it.
        model: name of the model, for the message.

    Raises:
        Unsupported: it is one that this process has lost.
    """
    kind = device.partition(":")[0]
    if kind in _lost_devices:
        raise Unsupported(
            f"{model} cannot compute on {device}: this process was forked from one that had used it",
            "start processes by spawn (multiprocessing.get_context('spawn')), or load models in the children only",
        )
    _devices.add(kind)


def _after_fork() -> None:
    _lost_devices.update(_devices - {"cpu"})
    torch = sys.modules.get("torch")
    if _devices and torch is not None:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)
