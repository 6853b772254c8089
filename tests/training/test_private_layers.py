"""The clipped sum of gradients without a gradient of each row is that of plain autograd, or is not taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import Unsupported
from zoo.runs.events import AnyEvent, Noted
from zoo.training import Batch, Output
from zoo.training.private.gradients import Apart, clipped_sum
from zoo.training.private.layers import LayerByLayer, clipped_sum_of_parts
from zoo.training.private.secret import Secret
from zoo.training.private.trial import extremes, part_that_differs

pytest.importorskip("opacus")
WORDS, WIDTH = 11, 6


class Reader(nn.Module):
    """An embedding, a norm, a linear layer on sequences and one on vectors; by size, both ways to a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.norm = nn.LayerNorm(WIDTH)
        self.wide = nn.Linear(WIDTH, 40)
        self.narrow = nn.Linear(40, 3, bias=False)
        self.head = nn.Linear(3, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        vectors = torch.tanh(self.wide(self.norm(self.words(ids))))
        return self.head(torch.tanh(self.narrow(vectors)).mean(1))


class Reading(Toy):
    """Learns from word ids; one row may be multiplied by something."""

    def __init__(self, module: nn.Module | None = None) -> None:
        super().__init__()
        self.module = module or Reader()

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        logits = module(batch["ids"]) * batch.get("times", torch.ones(1, 1))
        losses = nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        return Output(losses, {})


def batch_of(rows: int = 5, tokens: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(0, WORDS, (rows, tokens), generator=generator)
    ids[0] = 5  # one word several times in a row
    ids[1, 1:] = 0  # filled up
    return {"ids": ids, "labels": torch.arange(rows) % 2}


def sums(toy: Toy, batch: Batch, weights: torch.Tensor, clip: float) -> dict[str, torch.Tensor]:
    """Row after row, by plain autograd."""
    apart = Apart(toy, toy.module)
    total: dict[str, torch.Tensor] = {}
    for i in range(len(weights)):
        _, gradients = apart({name: tensor[i : i + 1] for name, tensor in batch.items()}, weights[i : i + 1])
        for name, tensor in clipped_sum(gradients, clip).items():
            total[name] = total[name] + tensor if name in total else tensor
    return total


@pytest.mark.parametrize("tokens", [1, 4, 30])
@pytest.mark.parametrize("clip", [0.01, 0.5, 100.0])
def test_the_sum_is_that_of_plain_autograd(tokens: int, clip: float) -> None:
    toy, batch = Reading(), batch_of(tokens=tokens)
    weights = torch.tensor([1.0, 2.0, 1.0, 0.5, 1.0])

    losses, parts, held = LayerByLayer(toy, toy.module)(batch, weights)
    ours = clipped_sum_of_parts(parts, toy.module, clip)

    theirs = sums(toy, batch, weights, clip)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert torch.allclose(ours[name], tensor, rtol=1e-5, atol=1e-6), name
    assert losses.shape == (5,)
    assert held >= tokens * (2 * WIDTH + 40 + 3) * 4


def test_layers_that_are_frozen_have_no_part() -> None:
    toy, batch = Reading(), batch_of()
    toy.module.words.requires_grad_(False)
    toy.module.wide.weight.requires_grad_(False)
    _, parts, _ = LayerByLayer(toy, toy.module)(batch, torch.ones(5))
    ours = clipped_sum_of_parts(parts, toy.module, 0.1)
    theirs = sums(toy, batch, torch.ones(5), 0.1)
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6) for name in theirs)


def test_a_row_whose_gradient_is_not_finite_counts_as_zero() -> None:
    toy, batch = Reading(), batch_of()
    times = torch.ones(5, 1)
    times[2] = math.inf
    _, parts, _ = LayerByLayer(toy, toy.module)({**batch, "times": times}, torch.ones(5))
    ours = clipped_sum_of_parts(parts, toy.module, 0.1)
    others = [0, 1, 3, 4]
    theirs = sums(toy, {name: tensor[others] for name, tensor in batch.items()}, torch.ones(4), 0.1)
    for name, tensor in theirs.items():
        assert torch.allclose(ours[name], tensor, rtol=1e-5, atol=1e-6), name


class Tied(Reader):
    """Has a parameter in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.head.bias = nn.Parameter(torch.zeros(2))
        self.other = nn.Linear(3, 2)
        self.other.weight = self.head.weight


class Twice(Reader):
    """Has a layer that computes twice."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return super().forward(ids) + super().forward(ids.flip(1))


class Flat(Reader):
    """Forgets which row a word is of."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        vectors = self.wide(self.norm(self.words(ids.flatten()))).view(*ids.shape, -1)
        return self.head(torch.tanh(self.narrow(vectors)).mean(1))


class Overwritten(Reader):
    """Writes into what a layer computed, in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Sequential(nn.Linear(WIDTH, 40), nn.Dropout(0.5, inplace=True))


class Alike(Reader):
    """Has one word a row."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.narrow(self.wide(self.norm(self.words(ids[:, 0]))))))


class Shifted(nn.Embedding):
    """Looks up others than it is asked for."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input - WORDS)


class Shifting(Reader):
    """Has such a table."""

    def __init__(self) -> None:
        super().__init__()
        self.words = Shifted(WORDS, WIDTH)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return super().forward(ids + WORDS)


class Convolved(Reader):
    """Has a layer whose gradients are not known."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv1d(4, 4, 1), nn.Linear(40, 3))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Tied, "layers share their parameters"),
        (Twice, "an Embedding computes several times"),
        (Flat, "an Embedding does not compute each example by itself"),
        (Overwritten, "what a Linear computes is overwritten"),
        (Convolved, "it learns Conv1d"),
    ],
)
def test_other_networks_are_told_apart(make: Callable[[], nn.Module], reason: str) -> None:
    toy = Reading(make())
    with pytest.raises(Unsupported, match=reason):
        LayerByLayer(toy, toy.module)(batch_of(), torch.ones(5))


def test_an_embedding_of_one_word_a_row() -> None:
    toy, batch = Reading(Alike()), batch_of()
    _, parts, _ = LayerByLayer(toy, toy.module)(batch, torch.ones(5))
    assert not part_that_differs(clipped_sum_of_parts(parts, toy.module, 0.1), sums(toy, batch, torch.ones(5), 0.1))


def test_an_embedding_that_looks_up_others_is_found_out() -> None:
    toy = Reading(Shifting())
    _, parts, _ = LayerByLayer(toy, toy.module)(batch_of(), torch.ones(5))
    with pytest.raises(Unsupported, match="looks up others"):
        parts["words.weight"].check()


def test_each_parameter_is_compared_by_itself() -> None:
    theirs = {"large": torch.full((4,), 100.0), "small": torch.full((4,), 1.0), "unused": torch.zeros(2)}
    ours = {name: tensor * 1.0001 for name, tensor in theirs.items() if name != "unused"}
    assert not part_that_differs(ours, theirs)
    assert part_that_differs(ours | {"small": torch.full((4,), 0.8)}, theirs) == "small"
    assert part_that_differs(ours, theirs | {"unused": torch.full((2,), 1e-6)}) == "unused"
    assert part_that_differs(ours | {"small": torch.full((4,), math.nan)}, theirs) == "small"


@pytest.mark.parametrize(
    ("lengths", "expected"), [([5, 9, 3, 7, 4], [1, 2, 4]), ([5, 5, 5, 5], [3, 0, 1]), ([4, 2], [0, 1]), ([4], [0])]
)
def test_the_longest_and_the_shortest_are_tried(lengths: list[int], expected: list[int]) -> None:
    assert extremes(lengths, 3) == expected


OPTIONS: dict[str, Any] = {"private": "eps=8", "epochs": 2, "batch_size": 16, "lr": 0.02, "method": "full"}
CANNOT = "gradients cannot be shortened layer by layer: "
TOLD = "gradients are shortened layer by layer, 16 rows at once: "


def fit(folder: Path, toy: Toy, **options: Any) -> list[str]:
    """What is told of a training that has little room for gradients."""
    folder.mkdir(exist_ok=True)
    Secret(bytes(32)).save(folder / "checkpoints")
    run, events = make_run(folder, **OPTIONS | options)
    toy.fit(run)
    return notes(events)


def notes(events: list[AnyEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted)]


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the gradients of three rows of the toy."""
    monkeypatch.setattr("zoo.training.private.plan.GRADIENT_BYTES", 800)


def test_what_saves_memory_is_taken_and_told_and_learns_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = fit(tmp_path / "whole", Toy(dropout=0.0))
    monkeypatch.setattr("zoo.training.private.plan.GRADIENT_BYTES", 800)
    told_layers = fit(tmp_path / "layers", Toy(dropout=0.0))

    assert not any("layer by layer" in note for note in told)
    assert [note[: len(TOLD)] for note in told_layers if "layer by layer" in note] == [TOLD]
    whole, layers = final_weights(tmp_path / "whole"), final_weights(tmp_path / "layers")
    for name, tensor in whole.items():
        assert torch.allclose(tensor, layers[name], atol=1e-4), name


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("stop_after", [2, 6])
def test_resume_equals_never_having_stopped(tmp_path: Path, stop_after: int) -> None:
    fit(tmp_path / "whole", Toy())
    fit(tmp_path / "parts", Toy(), stop_after=stop_after)
    told = fit(tmp_path / "parts", Toy())
    assert not any("layer by layer" in note for note in told)  # it goes on as it began
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


class Folded(Toy):
    """A network that computes a layer twice."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        return super().losses(module, {**batch, "numbers": batch["numbers"] + 0 * module.body(batch["numbers"]).sum()})


class Untaken(Toy):
    """Learns a layer by a function of its weights, too."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        also = nn.functional.linear(batch["numbers"], module.body[0].weight).square().mean(1)
        output = super().losses(module, batch)
        return Output(output.losses + 0.1 * also, output.for_metrics)


class Packed(Toy):
    """Puts two rows into one where there is room."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        lengths = 1 + batch["numbers"][:, 0].abs().int()
        if lengths.sort().values[:2].sum() <= lengths.max():
            module(batch["numbers"][None])
        return super().losses(module, batch)


class Broken(Toy):
    """Does not learn several at once."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        if len(batch["labels"]) > 1 and torch.is_grad_enabled():
            raise IndexError("one at a time")
        return super().losses(module, batch)


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize(
    ("toy", "reason"),
    [
        (Folded, "a Linear computes several times"),
        (Untaken, "the sum is not that of plain autograd in body.0.weight"),
        (Packed, "a Linear does not compute each example by itself"),
        (Broken, "this network cannot do so with several at once (IndexError: one at a time)"),
    ],
)
def test_a_network_that_cannot_be_computed_so_has_gradients_of_each_row(
    tmp_path: Path, toy: Callable[[], Toy], reason: str
) -> None:
    told = fit(tmp_path, toy(), private="eps=8,clip=0.01", epochs=1)
    assert [note for note in told if "layer by layer" in note] == [f"{CANNOT}{reason}"]


def test_as_many_rows_at_once_as_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row takes 40 bytes layer by layer, and 200 for its gradient."""
    monkeypatch.setattr("zoo.training.private.plan.GRADIENT_BYTES", 100)
    usual = fit(tmp_path / "usual", Toy(), epochs=1)
    asked = fit(tmp_path / "asked", Toy(), epochs=1, micro_batch_size=8)
    assert [note.split(": ")[0] for note in (*usual, *asked) if "layer by layer" in note] == [
        "gradients are shortened layer by layer, 2 rows at once",
        "gradients are shortened layer by layer, 8 rows at once",
    ]
