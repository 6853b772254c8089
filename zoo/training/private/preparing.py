"""What of a network is not learnt privately, as it would tell of the rows in other ways than by gradients."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from zoo.plurals import counted


def freeze_statistics(module: nn.Module) -> str:
    """Leave batch norms with the statistics they came with: their own would be those of the rows.

    Returns:
        What is to be told; empty where there are none.
    """
    norms = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    learning = [norm for norm in norms if any(parameter.requires_grad for parameter in norm.parameters())]
    for norm in norms:
        norm.requires_grad_(False)
    if not learning:
        return ""
    return f"{counted(len(learning), 'batch norm')} kept with the statistics of before, as new ones would tell of rows"


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Of all parameters, by name."""
    return {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}


def freeze_what_shrank(module: nn.Module, before: Mapping[str, tuple[int, ...]]) -> str:
    """Do not learn parameters that were cut to what the data need, such as embeddings to the words that occur.

    What is left as it was in the result would tell what does not occur.

    Returns:
        What is to be told; empty where there are none.
    """
    shrunken = [
        (name, parameter)
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and tuple(parameter.shape) != before.get(name)
    ]
    for _, parameter in shrunken:
        parameter.requires_grad_(False)
    if not shrunken:
        return ""
    return f"{', '.join(name for name, _ in shrunken)} stays as it is, as what is learnt of it would tell what occurs"
