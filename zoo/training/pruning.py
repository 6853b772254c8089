"""Structured pruning of transformers: whole feed-forward units and whole attention heads go, as many in each layer, so
that what is left is a configuration with smaller numbers and weights that any library loads.

What matters least goes: importance is the first-order Taylor expansion of the loss in a gate on each unit, squared and
summed over batches of rows (Molchanov et al. 2019, arXiv:1906.10771, equation 8; of heads Michel et al. 2019,
arXiv:1905.10650). The gradient of a gate is that of the weights which take a unit in, times these weights.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from safetensors.torch import save_file

from zoo import atomic
from zoo.errors import RunCancelled, Unsupported
from zoo.hub_config import CONFIG, WEIGHTS
from zoo.shrinkable import feed_forward_key
from zoo.training.batches import EVALUATION, MicroBatch
from zoo.training.examples import encode
from zoo.training.objective import Objective, output_of
from zoo.training.packing import load_tensors

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

ROWS = 1024
"""Most rows that importance is found on."""
BATCH = 16
MULTIPLE = 32
"""Widths stay multiples of this where they can: matrix products and groups of 4 bits like them."""
_LEAVE_OUT = "leave --prune out"
_LAYER = re.compile(r"(.*?\.\d+)\.")
"""Begins the names of the tensors of one of several layers that are alike."""
_ATTENTION = (
    ("query", "key", "value", "output.dense"),
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("q_lin", "k_lin", "v_lin", "out_lin"),
)
"""How architectures call the matrices of attention; the last one takes the heads in."""

State = dict[str, torch.Tensor]


class Units(NamedTuple):
    """Parts of one layer that can go, each of so many rows of some tensors and so many columns of one."""

    rows: tuple[str, ...]
    """Tensors whose rows give the units: matrices and biases."""
    columns: tuple[str, ...]
    """Matrices whose columns take them in."""
    number: int
    width: int
    """Rows or columns of one unit."""
    grouped: Mapping[str, int] = {}
    """Of tensors in `rows` where several units share some rows, as heads share keys: how many do."""

    def importance(self, moments: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Of each, shape (units,).

        Args:
            moments: by name of a matrix what `taylor` gives of its columns, per batch, shape (batches, columns).
        """
        joint = sum(moments[name] for name in self.columns)
        assert isinstance(joint, torch.Tensor)
        return joint.view(len(joint), self.number, self.width).sum(2).square().sum(0)


def prune_folder(source: Path, target: Path, share: float, objective: Any, run: TrainingRun) -> str:
    """Write a model without the units that matter least; returns what was done, in words.

    Args:
        source: of the model, with all tensors in one file.
        target: does not exist; whole once it does.
        share: of the units of each layer that go, between 0 and 1.
        objective: what its plugin fine-tunes, whose module has these weights.
        run: with rows to find out what matters.

    Raises:
        Unsupported: its layers are none of those known here, or are too narrow.
        RunCancelled: somebody asked the run to stop.
    """
    if not isinstance(objective, Objective):
        raise Unsupported("its plugin trains it by a loop of its own, of which no gradients are known", _LEAVE_OUT)
    config, state = json.loads((source / CONFIG).read_bytes()), load_tensors(source / WEIGHTS)
    key = feed_forward_key(config)
    units = feed_forward_units(state, int(config[key]))
    kept = kept_width(int(config[key]), share)
    heads, smaller = head_units(state, config, share)
    moments = taylor(objective, run, {name: state[name] for one in (*units, *heads) for name in one.columns})
    pruned = dict(state)
    for one in units:
        keep(pruned, one, one.importance(moments).topk(kept).indices.sort().values)
    for one in heads:
        keep(pruned, one, most_important(one, moments, int(smaller["num_attention_heads"])))
    partial = target.with_name(f".{target.name}")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns(WEIGHTS))
    save_file({name: tensor.contiguous() for name, tensor in pruned.items()}, partial / WEIGHTS, {"format": "pt"})
    atomic.write_text(partial / CONFIG, json.dumps(config | {key: kept} | smaller, indent=2, ensure_ascii=False) + "\n")
    atomic.sync(partial)
    partial.rename(target)
    of_heads = "heads stay, as its configuration ties their width to that of the model"
    if heads:
        of_heads = f"{smaller['num_attention_heads']} of {config['num_attention_heads']} heads"
    return f"{kept:,} of {config[key]:,} feed-forward units a layer kept, {of_heads}"


def kept_width(width: int, share: float) -> int:
    """How many units of a layer stay.

    Raises:
        Unsupported: all would.
    """
    multiple = MULTIPLE if width >= 2 * MULTIPLE else 1
    kept = max(multiple, round(width * (1 - share) / multiple) * multiple)
    if kept >= width:
        raise Unsupported(f"--prune {share:g} of {width} feed-forward units leaves all of them", "prune more")
    return kept


def feed_forward_units(state: State, width: int) -> list[Units]:
    """Those of each layer, told by their number.

    Raises:
        Unsupported: there are none, or a layer has them in another way.
    """
    rows, columns = defaultdict(list), defaultdict(list)
    for name, tensor in state.items():
        layer = _LAYER.match(name)
        if layer and tensor.ndim in (1, 2) and tensor.shape[0] == width:
            rows[layer[1]].append(name)
        if layer and tensor.ndim == 2 and tensor.shape[1] == width:
            columns[layer[1]].append(name)
    plain = all(rows[one] and len(columns[one]) == 1 for one in {*rows, *columns})
    if not rows or not plain:
        raise Unsupported("its feed-forward layers are in none of the forms that can be pruned", _LEAVE_OUT)
    return [Units(tuple(rows[one]), tuple(columns[one]), width, 1) for one in rows]


def head_units(state: State, config: dict[str, Any], share: float) -> tuple[list[Units], dict[str, int]]:
    """The heads of each layer, and what the configuration says of fewer; none where it cannot say it."""
    total, width = config.get("num_attention_heads"), config.get("hidden_size")
    if not isinstance(total, int) or not isinstance(width, int):
        return [], {}
    head_width = config.get("head_dim") or width // total
    groups = config.get("num_key_value_heads") or total
    sharing = total // groups
    kept_groups = max(1, round(groups * (1 - share)))
    smaller = {"num_attention_heads": kept_groups * sharing, "head_dim": head_width}
    smaller |= {"num_key_value_heads": kept_groups} if "num_key_value_heads" in config else {}
    units = []
    for weight in (name for name in state if name.endswith(".weight")):
        for query, *others, output in _ATTENTION:
            layer = _LAYER.match(weight)
            if not layer or not weight.endswith(f".{query}.weight"):
                continue
            of_layer = [name for name in state if name.startswith(f"{layer[1]}.")]
            taking = [name for name in of_layer if name.endswith(f"{output}.weight") and _is_of(name, weight, state)]
            giving = [name for name in of_layer if name.split(".")[-2] in (query, *others)]
            if len(taking) != 1 or state[taking[0]].shape[1] != total * head_width:
                continue
            shared = {name: sharing for name in giving if name.split(".")[-2] != query and sharing > 1}
            units.append(Units(tuple(giving), tuple(taking), total, head_width, shared))
    fewer = kept_groups < groups
    return (units, smaller) if units and fewer and _loads(config, smaller) else ([], {})


def _is_of(output: str, query: str, state: State) -> bool:
    """Whether a matrix takes in what that of the queries gives, rather than the feed-forward units."""
    return state[output].shape[1] == state[query].shape[0] and "attention" in output.replace("attn", "attention")


def _loads(config: dict[str, Any], smaller: dict[str, int]) -> bool:
    """Whether transformers builds a network with fewer heads of the same width from a configuration."""
    try:
        import transformers

        stated = {name: value for name, value in (config | smaller).items() if name != "model_type"}
        built = transformers.AutoConfig.for_model(config["model_type"], **stated)
        with torch.device("meta"):
            network = transformers.AutoModel.from_config(built)
    except (ImportError, ValueError, KeyError, TypeError, RuntimeError):
        return False
    wanted = smaller["num_attention_heads"] * smaller["head_dim"]
    queries = tuple(f".{query}.weight" for query, *_ in _ATTENTION)
    shapes = [one.shape[0] for name, one in network.named_parameters() if name.endswith(queries)]
    return bool(shapes) and all(rows == wanted for rows in shapes)


def taylor(objective: Objective[Any], run: TrainingRun, matrices: State) -> State:
    """Of each column of each matrix and each batch of rows, the sum of weights times gradients: (batches, columns).

    Args:
        objective: whose module has these matrices, by whatever names.
        run: with the rows.
        matrices: by name.

    Raises:
        Unsupported: the module has them in another form.
        RunCancelled: somebody asked the run to stop.
    """
    module, device = objective.module, torch.device(run.device)
    parameters = _parameters_of(module, matrices)
    examples = encode(objective, run.train[:ROWS], run.options, set_aside=lambda unusable: None)
    module.to(device).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    moments: dict[str, list[torch.Tensor]] = defaultdict(list)
    for start in range(0, len(examples), BATCH):
        if run.should_stop():
            raise RunCancelled("pruning was stopped", "")
        indices = list(range(start, min(start + BATCH, len(examples))))
        batch, _ = examples.collate(MicroBatch(indices, len(indices)), epoch=EVALUATION)
        inputs = {name: tensor.to(device) for name, tensor in batch.items()}
        loss = output_of(objective, module, inputs, len(indices)).losses.float().mean()
        gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True):
            products = torch.zeros_like(parameter) if gradient is None else parameter.detach() * gradient
            moments[name].append(products.sum(0).cpu())
    return {name: torch.stack(each) for name, each in moments.items()}


def _parameters_of(module: torch.nn.Module, matrices: State) -> dict[str, torch.nn.Parameter]:
    """The parameters that hold some matrices, found by what they hold: names differ from network to network."""
    by_shape = defaultdict(list)
    for parameter in module.parameters():
        by_shape[parameter.shape].append(parameter)
    twins = {
        name: next((one for one in by_shape[matrix.shape] if torch.equal(one.detach().cpu(), matrix)), None)
        for name, matrix in matrices.items()
    }
    found = {name: parameter for name, parameter in twins.items() if parameter is not None}
    if len(found) < len(matrices):
        raise Unsupported("its network computes its layers in another form than its file has them", _LEAVE_OUT)
    return found


def most_important(units: Units, moments: State, count: int) -> torch.Tensor:
    """The units that stay, in order; of those that share rows all or none."""
    sharing = max(units.grouped.values(), default=1)
    by_group = units.importance(moments).view(-1, sharing).sum(1)
    groups = by_group.topk(count // sharing).indices.sort().values
    return (groups[:, None] * sharing + torch.arange(sharing)).flatten()


def keep(state: State, units: Units, kept: torch.Tensor) -> None:
    """Let the tensors of some units have those that stay, in place."""
    for name in units.rows:
        sharing = units.grouped.get(name, 1)
        own = kept[::sharing] // sharing
        state[name] = state[name][_expanded(own, units.width)]
    for name in units.columns:
        state[name] = state[name][:, _expanded(kept, units.width)]


def _expanded(kept: torch.Tensor, width: int) -> torch.Tensor:
    """Rows or columns of units."""
    return (kept[:, None] * width + torch.arange(width)).flatten()
