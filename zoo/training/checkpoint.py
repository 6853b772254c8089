"""Checkpoints: everything needed to go on as if nothing had happened, published whole or not at all.

    checkpoints/step-00000120/model.safetensors      trainable parameters and buffers
                              optimizer.safetensors  moments, by parameter name
                              state.json             Progress
                              manifest.json          size and sha256 of each file, written last
    checkpoints/best-00000100.safetensors            parameters of the best evaluation so far

Of a network that is divided among processes, each writes what it has, into `model-0001-of-0004.safetensors` and
`optimizer-0001-of-0004.safetensors`; the manifest says which rows of which tensors these are. Whoever reads a
checkpoint takes the rows that it needs, so that another number of processes can go on with it.

Learning rates, batches and random draws are functions of the step and the seed, so a step number stands for them.
A folder is written beside its place and renamed; the two newest are kept.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import torch
from safetensors.torch import save_file
from torch import nn

from zoo import atomic
from zoo.blocks import Report
from zoo.errors import StoreInvalid
from zoo.metrics import report_of_confusion
from zoo.metrics.intervals import Interval
from zoo.runs.checkpoints import MANIFEST, PREFIX, checkpoint_folder, removed_on_error
from zoo.training.sharding import local, rows_of
from zoo.training.stored_tensors import Slices, StoredTensors

CHECKPOINTS_KEPT = 2


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """The best evaluation so far."""

    step: int
    metrics: dict[str, float]
    report: Report = ()
    intervals: dict[str, Interval] = {}
    """Of the metrics; found when a checkpoint is written, or at the end."""


class Judged(msgspec.Struct, frozen=True):
    """An evaluation of several sources."""

    step: int
    metrics: tuple[dict[str, float], ...]
    """Of each source; none of one without evaluation data."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a training run stands, weights apart."""

    step: int = 0
    """Optimizer steps done."""
    best: Best | None = None
    evaluations_since_best: int = 0
    evaluated_step: int = 0
    """Step of the newest evaluation."""
    loss_scale: float | None = None
    """Of fp16 training."""
    loss_scale_steps: int = 0
    """Steps that it has been that for, which decide on when it grows."""
    history: tuple[Judged, ...] = ()
    """Of several sources, all evaluations so far."""
    own_best: dict[str, int] = {}
    """Of those whose own best is kept, the step of that so far."""
    micro_batch_sizes: tuple[int, ...] = ()
    """Examples of each source computed at once, where memory did not suffice for as many as planned."""
    evaluation_batch_sizes: tuple[int, ...] = ()
    """The same of evaluations."""
    spent: tuple[tuple[float, float, int], ...] = ()
    """What the accountant of a private training knows: noise multiplier, sample rate, steps taken with both."""
    units_together: bool | None = None
    """Whether it computes several units at once."""
    units_by_layers: int = 0
    """How many of them without a gradient of each; 0 where each has its gradient."""
    lost_turns: tuple[int, ...] = ()
    """Turns of clients of which nothing came, by the steps of the whole run after each."""
    turns_averaged: int = 0
    """Turns of clients elsewhere of which something came."""
    client_rows: dict[str, tuple[int, int]] = {}
    """Rows of those that took part so far, to train on and held out."""

    @property
    def best_steps(self) -> set[int]:
        """The evaluations whose parameters are kept."""
        return {*([self.best.step] if self.best else []), *self.own_best.values()}


class FileDigest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a manifest says of a file."""

    size_bytes: int
    sha256: str
    slices: Slices = {}
    """Which rows of which tensors are in it, of those that it has not whole."""


def trainable(module: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes: trainable parameters and persistent buffers, one name per tensor."""
    state = module.state_dict(keep_vars=True)
    visited: set[int] = set()
    changed = {}
    for name, tensor in state.items():
        if (isinstance(tensor, nn.Parameter) and not tensor.requires_grad) or id(tensor) in visited:
            continue
        visited.add(id(tensor))
        changed[name] = tensor
    return changed


def trainable_state(module: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes, on the CPU; of tensors that are divided, what this process has."""
    return {name: local(tensor).detach().cpu().contiguous() for name, tensor in trainable(module).items()}


@torch.no_grad()
def load_trainable_state(module: nn.Module, stored: StoredTensors) -> None:
    """Put back what `trainable_state` took out, or what several processes did.

    Raises:
        StoreInvalid: the tensors are not those of this module.
    """
    tensors = trainable(module)
    odd = {*stored.shapes.items()} ^ {(name, tensor.shape) for name, tensor in tensors.items()}
    if odd:
        names = ", ".join(sorted({name for name, _ in odd})[:5])
        raise StoreInvalid(f"the checkpoint does not fit the model: {names}", "start a new run")
    for name, tensor in tensors.items():
        part = local(tensor)
        if part.numel():
            part.copy_(stored.read(name, rows_of(tensor)))


def optimizer_state(optimizer: torch.optim.Optimizer, names: dict[nn.Parameter, str]) -> dict[str, torch.Tensor]:
    """The optimizer's tensors as `parameter name|slot`, for example `classifier.weight|exp_avg`."""
    return {
        f"{name}|{slot}": value.detach().cpu().contiguous()
        for parameter, name in names.items()
        for slot, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, torch.Tensor)
    }


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, names: dict[nn.Parameter, str], stored: StoredTensors
) -> None:
    """Put back what `optimizer_state` took out, or what several processes did."""
    parameters = {name: parameter for parameter, name in names.items()}
    for key in stored.shapes:
        name, _, slot = key.rpartition("|")
        parameter = parameters[name]
        part = local(parameter)
        if not part.numel():
            continue
        value = stored.read(key, None if slot == "step" else rows_of(parameter))
        # In the parameter's own memory layout: the fused AdamW walks parameter and moments side by side as they lie.
        like = torch.empty((), device=part.device) if slot == "step" else torch.empty_like(part)
        optimizer.state[parameter][slot] = like.to(value.dtype).copy_(value)


def save(
    folder: Path, *, progress: Progress, model: dict[str, torch.Tensor], optimizer: dict[str, torch.Tensor]
) -> int:
    """Publish a checkpoint and drop those no longer needed.

    Returns:
        Its size in bytes.
    """
    partial = begin(folder, progress.step)
    with removed_on_error(partial, sum(tensor.nbytes for tensor in (*model.values(), *optimizer.values()))):
        digests = write_tensors(partial, {"model.safetensors": model, "optimizer.safetensors": optimizer}, {})
        return publish(folder, partial, progress, digests)


def partial_folder(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is written."""
    return folder / f".partial-{checkpoint_folder(folder, step).name}"


def begin(folder: Path, step: int) -> Path:
    """Make the folder that a checkpoint is written into, and remove what others have left half-written."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(".partial-*"):
        _remove(left_over)
    partial = partial_folder(folder, step)
    partial.mkdir()
    return partial


def write_tensors(partial: Path, files: Mapping[str, dict[str, torch.Tensor]], slices: Slices) -> dict[str, FileDigest]:
    """Write tensors into files of a checkpoint; returns what the manifest says of these.

    Args:
        partial: the folder.
        files: tensors by name, by the name of their file.
        slices: of the tensors that are divided.
    """
    digests = {}
    for file, tensors in files.items():
        save_file(tensors, partial / file)
        atomic.sync(partial / file)
        places = {name: slices[name] for name in tensors if name in slices}
        digests[file] = msgspec.structs.replace(_digest(partial / file), slices=places)
    return digests


def publish(folder: Path, partial: Path, progress: Progress, digests: dict[str, FileDigest]) -> int:
    """Let a folder whose tensors are written be the newest checkpoint, and drop those no longer needed.

    Returns:
        Its size in bytes.
    """
    state = partial / "state.json"
    state.write_bytes(msgspec.json.encode(progress))
    digests = dict(sorted({**digests, state.name: _digest(state)}.items()))
    (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(digests)))
    atomic.sync(state)
    atomic.sync(partial / MANIFEST)
    target = checkpoint_folder(folder, progress.step)
    if target.exists():
        shutil.rmtree(target)
    partial.replace(target)
    _prune(folder, progress)
    return sum(digest.size_bytes for digest in digests.values())


def save_best(folder: Path, step: int, model: dict[str, torch.Tensor]) -> None:
    """Keep the parameters of the best evaluation so far."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".partial-best"
    with removed_on_error(partial, sum(tensor.nbytes for tensor in model.values())):
        save_file(model, partial)
        atomic.sync(partial)
    partial.replace(best_path(folder, step))


def best_path(folder: Path, step: int) -> Path:
    """Where the parameters of an evaluation at that step are kept."""
    return folder / f"best-{step:08d}.safetensors"


def load_best(folder: Path, step: int) -> StoredTensors:
    """The parameters that `save_best` kept."""
    return StoredTensors({best_path(folder, step): {}})


class Loaded(msgspec.Struct, frozen=True):
    """A checkpoint that was read back."""

    progress: Progress
    model: StoredTensors
    optimizer: StoredTensors
    refused: tuple[str, ...]
    """Newer checkpoints that could not be used, each with the reason."""


def load_newest(folder: Path, labels: Sequence[str] = ()) -> Loaded | None:
    """Read the newest checkpoint that is whole; None where there is none.

    Args:
        folder: of the checkpoints.
        labels: of the run, for what checkpoints held before there were reports.
    """
    refused = []
    for path in sorted(folder.glob(f"{PREFIX}*"), reverse=True):
        reason = _fault(path) or _best_missing(folder, path)
        if reason:
            refused.append(f"{path.name} is not used: {reason}")
            continue
        model, optimizer = (_stored(path, what) for what in ("model", "optimizer"))
        return Loaded(_read_progress(path, labels), model, optimizer, tuple(refused))
    return None if not refused else Loaded(Progress(), StoredTensors({}), StoredTensors({}), tuple(refused))


def _stored(path: Path, what: str) -> StoredTensors:
    """The tensors of a checkpoint in the files of a name."""
    return StoredTensors(
        {path / name: digest.slices for name, digest in _manifest(path).items() if name.startswith(what)}
    )


def _manifest(path: Path) -> dict[str, FileDigest]:
    return msgspec.json.decode((path / MANIFEST).read_bytes(), type=dict[str, FileDigest])


class _OldBest(msgspec.Struct):
    """What the best evaluation held in the place of a report."""

    confusion: tuple[tuple[int, ...], ...] = ()


class _OldProgress(msgspec.Struct):
    best: _OldBest | None = None


def _read_progress(path: Path, labels: Sequence[str]) -> Progress:
    state = (path / "state.json").read_bytes()
    progress = msgspec.json.decode(state, type=Progress)
    old = msgspec.json.decode(state, type=_OldProgress).best
    if progress.best is None or progress.best.report or old is None or not old.confusion:
        return progress
    report = report_of_confusion(labels, old.confusion)
    return msgspec.structs.replace(progress, best=msgspec.structs.replace(progress.best, report=report))


def _fault(path: Path) -> str:
    """Why a checkpoint cannot be used; empty where it can."""
    try:
        for name, digest in _manifest(path).items():
            if _digest(path / name) != msgspec.structs.replace(digest, slices={}):
                return f"{name} has changed since it was written"
    except (OSError, UnicodeError, msgspec.DecodeError) as error:
        return f"it is incomplete ({error})"
    return ""


def _best_missing(folder: Path, path: Path) -> str:
    progress = msgspec.json.decode((path / "state.json").read_bytes(), type=Progress)
    missing = [step for step in sorted(progress.best_steps) if not best_path(folder, step).exists()]
    return f"the weights of its best step {missing[0]} are missing" if missing else ""


def _prune(folder: Path, progress: Progress) -> None:
    """Keep the newest checkpoints and the best parameters that one of them names."""
    for old in sorted(folder.glob(f"{PREFIX}*"))[:-CHECKPOINTS_KEPT]:
        shutil.rmtree(old)
    prune_best(folder, progress)


def prune_best(folder: Path, progress: Progress) -> None:
    """Keep the best parameters that a checkpoint names, and those of now.

    Args:
        folder: of the checkpoints.
        progress: of the training, which the next checkpoint will hold.
    """
    best_steps = progress.best_steps
    for path in folder.glob(f"{PREFIX}*"):
        try:
            stored = msgspec.json.decode((path / "state.json").read_bytes(), type=Progress)
        except (OSError, UnicodeError, msgspec.DecodeError):
            continue  # a damaged checkpoint is refused when it is read
        best_steps |= stored.best_steps
    for path in folder.glob("best-*.safetensors"):
        if path not in {best_path(folder, step) for step in best_steps}:
            path.unlink()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _digest(path: Path) -> FileDigest:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileDigest(path.stat().st_size, sha256)
