"""What a curve of sizes foretells, of figures on whatever scale, with draws that have none."""

from __future__ import annotations

import msgspec
import pytest

from zoo.errors import DatasetInvalid
from zoo.runs.data_curve import SizeFigures, foretold
from zoo.tasks import get_task

TASK = get_task("text-classification")


def sizes_of(best: float, without: int = 0) -> list[SizeFigures]:
    """Four sizes with twenty draws each, as an attempt to come reads them; some of the draws have no figure."""
    sizes = []
    for rows in (20, 40, 80, 160):
        figure = best * (1 - rows**-0.5)
        draws = [None if draw < without else figure + best * (draw - 9.5) / 400 for draw in range(20)]
        sizes.append(SizeFigures(rows=rows, figure=figure, interval=None, judged=50, draws=draws))
    return msgspec.json.decode(msgspec.json.encode(sizes), type=list[SizeFigures])


@pytest.mark.parametrize("without", [0, 1, 9])
@pytest.mark.parametrize("best", [1.0, 100.0])
def test_figures_grow_towards_the_best(best: float, without: int) -> None:
    sizes = sizes_of(best, without)
    twice, four_times = foretold(TASK, sizes, 0)
    assert (twice[0], four_times[0]) == (320, 640)
    assert sizes[-1].figure < twice[1] < four_times[1] < best
    for _, figure, interval in (twice, four_times):
        assert 0 <= interval.low <= figure <= interval.high <= best


def test_most_draws_without_a_figure_are_told() -> None:
    with pytest.raises(DatasetInvalid, match="most samples of the rows that judge have no accuracy"):
        foretold(TASK, sizes_of(1.0, 11), 0)
