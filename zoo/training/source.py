"""What a run learns: an objective and its rows, or several of these over one body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from zoo.errors import Unsupported
from zoo.runs.context import TrainingRun
from zoo.training.objective import Objective


@dataclass(frozen=True, kw_only=True)
class Source:
    """One of the sums that a run minimises: an objective over rows of its own."""

    objective: Objective[Any]
    run: TrainingRun
    """As the objective sees it: its task, rows, labels and options."""
    weight: float = 1.0
    """Of its mean loss in the sum."""

    @property
    def name(self) -> str:
        """Empty where it is the only one."""
        return self.run.source


@dataclass(frozen=True, kw_only=True)
class Learner:
    """The network of a run and its parts, as methods of training see them; names are those of `Objective`."""

    module: nn.Module
    head: tuple[str, ...]
    lora_targets: tuple[str, ...]
    layout: tuple[tuple[str, str], ...]
    is_exported: bool = True
    """Whether the module is what the result holds, rather than one network of several."""
    headless: tuple[str, ...] = ()
    """Names of those of several sources that have no head apart from the body."""
    log_variances: tuple[nn.Parameter, ...] = ()
    """Of each source, where the weights of their losses are learnt; none where they are not."""


class SharedNetwork(nn.Module):
    """The networks of several sources; their bodies are one.

    Args:
        networks: of the sources, in order.
        uncertain: whether each has a variance that is learnt, see `zoo.MixingOptions`.
    """

    def __init__(self, networks: Sequence[nn.Module], *, uncertain: bool) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        variances = [nn.Parameter(torch.zeros(())) for _ in networks] if uncertain else []
        self.log_variances = nn.ParameterList(variances)
        """Each of shape (); the logarithm of the variance of a source (s in Kendall et al. 2018, section 3.2)."""

    def forward(self, source: int, *args: Any, **kwargs: Any) -> Any:
        """What the network of a source computes."""
        return self.networks[source](*args, **kwargs)


class NetworkOfSource(nn.Module):
    """The network of a source, computed by way of that of all, which brings together what processes have in parts.

    Args:
        shared: of all sources.
        source: which of them.
    """

    def __init__(self, shared: SharedNetwork, source: int) -> None:
        super().__init__()
        self._shared, self._source = (shared,), source  # in a tuple, as it is no part of this

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the network of the source computes."""
        return self._shared[0](self._source, *args, **kwargs)


def learner_of(sources: Sequence[Source], *, uncertain: bool = False) -> Learner:
    """The network that is trained: that of the only objective, or those of all.

    Raises:
        Unsupported: their networks share nothing.
    """
    if len(sources) == 1:
        objective = sources[0].objective
        return Learner(
            module=objective.module,
            head=objective.head,
            lora_targets=objective.lora_targets,
            layout=objective.layout,
        )
    first, *others = (set(source.objective.module.parameters()) for source in sources)
    for source, parameters in zip(sources[1:], others, strict=True):
        if first.isdisjoint(parameters):
            raise Unsupported(
                f"{source.name} and {sources[0].name} share no part of the model",
                "the objectives of a plugin's body must train its module; fine-tune them apart",
            )
    network = SharedNetwork([source.objective.module for source in sources], uncertain=uncertain)
    return Learner(
        module=network,
        head=tuple(f"networks.{i}.{name}" for i, one in enumerate(sources) for name in one.objective.head),
        lora_targets=tuple(dict.fromkeys(name for one in sources for name in one.objective.lora_targets)),
        layout=(),
        is_exported=False,
        headless=tuple(source.name for source in sources if not source.objective.head),
        log_variances=tuple(network.log_variances),
    )


def taught(source: Source) -> Source:
    """The same source, whose objective learns from the answers of a teacher, too, where its run has one."""
    if source.run.teaching is None:
        return source
    from zoo.training.objectives.taught import Taught

    return replace(source, objective=Taught(source.objective, source.run.teaching))


def begin(sources: Iterable[Source], module: nn.Module) -> None:
    """Let objectives freeze what they do not learn; what one of several does learn is trained."""
    before = {name: parameter.requires_grad for name, parameter in module.named_parameters()}
    trained: set[str] = set()
    for source in sources:
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(before[name])
        source.objective.begin()
        trained.update(name for name, parameter in module.named_parameters() if parameter.requires_grad)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in trained)
