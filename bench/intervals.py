"""How often the 95% intervals of judges hold the figure that they are of: 1,000 draws for each.

    uv run bench/intervals.py [--draws 1000] [--rows 200] [--only spans detection ...] [--processes 2]

Of each judge a population of answers is made up, with the faults that models have: classes of unlike size, texts and
pictures that are harder than others, boxes that are off. What the judge says of all of it is the true figure. Then so
many rows are drawn from it as an evaluation has, again and again, and the judge gives its intervals. 95% of them should
hold the true figure: 93% to 97% of 1,000 draws do by chance, where 95% do.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

POPULATION = 20_000
LOW, HIGH = 0.93, 0.97
AT_ONCE = 50


class Population(NamedTuple):
    """Answers that could be judged."""

    judge: Callable[[], Any]
    rows: Sequence[Any]
    count: Callable[[Any, Any], None]
    """Lets a judge count a row."""

    def judged(self, places: Sequence[int]) -> Any:
        """A judge that has counted some rows."""
        judge = self.judge()
        for place in places:
            self.count(judge, self.rows[place])
        return judge


def labels(random: Any, classes: int = 4) -> Population:
    """One label each: common classes are answered well, rare ones worse; four of five answers are right."""
    from zoo.metrics import ClassificationMetrics

    shares = np.array([0.5, 0.25, 0.15, 0.1])[:classes]
    true = random.choice(classes, POPULATION, p=shares / shares.sum())
    right = random.random(POPULATION) < np.array([0.9, 0.8, 0.7, 0.6])[true]
    other = (true + random.integers(1, classes, POPULATION)) % classes
    rows = list(zip(true.tolist(), np.where(right, true, other).tolist(), strict=True))
    return Population(partial(ClassificationMetrics, "abcd"[:classes]), rows, lambda judge, row: judge.update(*row))


def rare_faults(random: Any) -> Population:
    """A model that is nearly always right: 97%."""
    from zoo.metrics import ClassificationMetrics

    true = random.integers(0, 2, POPULATION)
    rows = list(zip(true.tolist(), np.where(random.random(POPULATION) < 0.97, true, 1 - true).tolist(), strict=True))
    return Population(partial(ClassificationMetrics, "ab"), rows, lambda judge, row: judge.update(*row))


def left_open(random: Any) -> Population:
    """Answers that leave labels open: the right one is among them in nine of ten."""
    from zoo.metrics import ClassificationMetrics

    rows = []
    for true, size, held in zip(
        random.choice(list("abcd"), POPULATION),
        random.choice([1, 2, 3], POPULATION, p=[0.6, 0.3, 0.1]),
        random.random(POPULATION) < 0.9,
        strict=True,
    ):
        others = [label for label in "abcd" if label != true]
        likely = [true, *others[: size - 1]] if held else others[:size]
        rows.append((true, SimpleNamespace(label=likely[0], probability=0.5, likely=likely)))
    return Population(partial(ClassificationMetrics, "abcd"), rows, lambda judge, row: judge.add(*row))


def label_sets(random: Any) -> Population:
    """Six labels, of which a row has some; harder rows are answered worse."""
    from zoo.metrics import LabelSetMetrics

    has = random.random((POPULATION, 6)) < np.array([0.5, 0.3, 0.3, 0.2, 0.15, 0.1])
    hard = random.beta(2, 6, POPULATION)[:, None]
    said = np.where(random.random(has.shape) < hard, ~has, has)
    rows = list(zip(has.astype(float).tolist(), said.astype(float).tolist(), strict=True))
    return Population(partial(LabelSetMetrics, "abcdef", 0.5), rows, lambda judge, row: judge.update(*row))


def numbers(random: Any) -> Population:
    """Numbers whose errors have long tails."""
    from zoo.metrics import RegressionMetrics

    true = random.normal(10, 3, POPULATION)
    said = 10 + 0.8 * (true - 10) + random.standard_t(6, POPULATION)
    rows = list(zip(true.tolist(), said.tolist(), strict=True))
    return Population(RegressionMetrics, rows, lambda judge, row: judge.update(*row))


def spans(random: Any) -> Population:
    """Texts with up to four spans; in hard texts more of them are missed, cut short or made up."""
    from zoo.metrics import SpanMetrics

    rows = []
    for count, hard in zip(random.integers(0, 5, POPULATION), random.beta(2, 5, POPULATION), strict=True):
        true = [(10 * place, 10 * place + 5, str(random.choice(["PER", "LOC"]))) for place in range(count)]
        answered = []
        for start, end, label in true:
            fault = random.random()
            if fault > hard:
                answered.append((start, end, label))
            elif fault < hard / 2:
                answered.append((start, end - 1, label))
        if random.random() < hard / 2:
            answered.append((100, 104, "PER"))
        rows.append((true, answered))
    return Population(partial(SpanMetrics, ["PER", "LOC"]), rows, lambda judge, row: judge.update(*row))


def transcripts(random: Any) -> Population:
    """Sentences of 3 to 20 words; noisy recordings have many words wrong."""
    from zoo.metrics import TranscriptMetrics

    rows = []
    for length, noise in zip(random.integers(3, 21, POPULATION // 4), random.beta(1, 6, POPULATION // 4), strict=True):
        words = [f"word{random.integers(0, 99)}" for _ in range(length)]
        heard = []
        for word in words:
            fault = random.random() / noise if noise else 2.0
            heard += [word] if fault > 1 else ["other"] if fault > 0.4 else [] if fault > 0.2 else [word, "more"]
        rows.append((" ".join(words), " ".join(heard)))
    return Population(TranscriptMetrics, rows, lambda judge, row: judge.update(*row))


def texts(random: Any) -> Population:
    """Losses of texts of very unlike length."""
    from zoo.metrics.perplexity import PerplexityMetrics

    tokens = np.ceil(random.lognormal(4, 0.8, POPULATION))
    losses = random.gamma(9, 1 / 3, POPULATION)
    rows = list(zip(losses.tolist(), tokens.tolist(), strict=True))
    return Population(PerplexityMetrics, rows, lambda judge, row: judge.update(*row))


def masks(random: Any) -> Population:
    """Pictures of three classes, of which one is rare; some pictures are answered worse."""
    from zoo.metrics import SegmentationMetrics

    rows = []
    for hard, share in zip(random.beta(2, 8, POPULATION // 10), random.beta(1, 3, POPULATION // 10), strict=True):
        true = random.choice(3, 144, p=[0.75 * (1 - share), 0.25 * (1 - share), share]).astype(np.uint8)
        wrong = random.random(144) < hard
        rows.append((true, np.where(wrong, random.integers(0, 3, 144), true).astype(np.uint8)))
    return Population(partial(SegmentationMetrics, "abc"), rows, lambda judge, row: judge.update(*row))


def boxes(random: Any) -> Population:
    """Pictures with one to five boxes of two classes: found ones are off by some pixels, some are made up."""
    from zoo.metrics import DetectionMetrics

    rows = []
    for count, hard in zip(random.integers(1, 6, POPULATION // 8), random.beta(2, 5, POPULATION // 8), strict=True):
        truths, answers = [], []
        for place in range(count):
            label, left, top = int(random.integers(0, 2)), 60.0 * place, float(random.integers(0, 50))
            truths.append((label, left, top, left + 40, top + 40))
            if random.random() > hard:
                moves = random.normal(0, 1 + 8 * hard, 4)
                corners = (left + moves[0], top + moves[1], left + 40 + moves[2], top + 40 + moves[3])
                answers.append((label, *map(float, corners), float(random.beta(6, 2))))
        if random.random() < 2 * hard:
            answers.append((int(random.integers(0, 2)), 400.0, 0.0, 440.0, 40.0, float(random.beta(3, 4))))
        rows.append((truths, answers))
    return Population(partial(DetectionMetrics, "ab"), rows, lambda judge, row: judge.update(*row))


POPULATIONS: dict[str, Callable[[Any], Population]] = {
    "labels": labels,
    "rare faults": rare_faults,
    "labels left open": left_open,
    "label sets": label_sets,
    "numbers": numbers,
    "spans": spans,
    "transcripts": transcripts,
    "texts": texts,
    "masks": masks,
    "boxes": boxes,
}


class Tally(NamedTuple):
    """Of some draws, by figure."""

    held: Counter[str]
    below: Counter[str]
    """Intervals that end below the true figure."""
    drawn: Counter[str]
    widths: dict[str, float]
    """All together."""


def tally(name: str, rows: int, first: int, draws: int) -> tuple[dict[str, float], Tally]:
    """The true figures of a population, and how often intervals of drawn rows hold them."""
    population = POPULATIONS[name](np.random.default_rng(0))
    truth = population.judged(range(len(population.rows))).compute()
    held, below, drawn, widths = Counter[str](), Counter[str](), Counter[str](), defaultdict[str, float](float)
    for number in range(first, first + draws):
        places = np.random.default_rng(number + 1).integers(0, len(population.rows), rows)
        for figure, one in population.judged(places.tolist()).intervals().items():
            drawn[figure] += 1
            held[figure] += one.low <= truth[figure] <= one.high
            below[figure] += one.high < truth[figure]
            widths[figure] += one.high - one.low
    return truth, Tally(held, below, drawn, dict(widths))


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--only", nargs="+", choices=POPULATIONS, default=list(POPULATIONS))
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    print("| answers | figure | true | held of 95% | too low, too high | mean width |\n|---|---|---|---|---|---|")
    off = []
    with ProcessPoolExecutor(args.processes) as pool:
        for name in args.only:
            starts = range(0, args.draws, AT_ONCE)
            sizes = [min(AT_ONCE, args.draws - start) for start in starts]
            parts = list(pool.map(tally, [name] * len(sizes), [args.rows] * len(sizes), starts, sizes))
            truth = parts[0][0]
            for figure in parts[0][1].drawn:
                held, below, drawn = (
                    sum(getattr(part, kind)[figure] for _, part in parts) for kind in Tally._fields[:3]
                )
                width = sum(part.widths.get(figure, 0.0) for _, part in parts) / drawn
                share = held / drawn
                missing = f" ({drawn} draws)" if drawn < args.draws else ""
                print(
                    f"| {name} | {figure} | {truth[figure]:.4f} | {share:.3f}{missing} | "
                    f"{below / drawn:.3f}, {(drawn - held - below) / drawn:.3f} | {width:.4f} |",
                    flush=True,
                )
                if not LOW <= share <= HIGH:
                    off.append(f"{name}: {figure} {share:.3f}")
    print(f"\n{len(off)} outside of {LOW:.0%} to {HIGH:.0%}: {'; '.join(off) or 'none'}", file=sys.stderr)


if __name__ == "__main__":
    main()
