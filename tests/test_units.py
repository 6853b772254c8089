"""Numbers as people read them."""

from __future__ import annotations

import pytest

from zoo.units import count, duration, parse_count, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.6, "1m00s"), (185, "3m05s"), (7800, "2h10m"), (273_600, "3d4h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert text == duration(seconds)


def test_large_numbers() -> None:
    assert ["999", "22.7M", "1.5k"] == [count(999), count(22_713_216), count(1500)]
    assert ["999 B", "90.9 MB"] == [size(999), size(90_868_376)]


def test_counts_as_people_write_them() -> None:
    assert [25_000_000, 1_500_000_000, 300_000, 1_234, 0] == list(
        map(parse_count, ("25M", "1.5b", " 300 k", "1,234", "0"))
    )
    for wrong in ("", "M", "25MM", "-1", "nan", "inf", "1e9", "25 MB", "1.2.3", "."):
        with pytest.raises(ValueError, match="is no number of things"):
            parse_count(wrong)
