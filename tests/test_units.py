"""Numbers as people read them."""

from __future__ import annotations

import pytest

from zoo.units import count, duration, parse_count, parse_duration, parse_size, size


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
    for wrong in ("", "M", "25MM", "-1", "nan", "inf", "1e9", "25 MB", "1.2.3", ".", "1,5M"):
        with pytest.raises(ValueError, match="is no number of things"):
            parse_count(wrong)


@pytest.mark.parametrize(
    ("text", "bytes_of"),
    [
        ("100MB", 100e6),
        ("1.5 GB", 1.5e9),
        ("512MiB", 512 * 2**20),
        ("4096", 4096),
        ("90.9 MB", 90.9e6),
        ("2k", 2e3),
        ("1,500 MB", 1.5e9),
    ],
)
def test_sizes_are_read_as_they_are_written(text: str, bytes_of: float) -> None:
    assert parse_size(text) == bytes_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("42s", 42), ("3m05s", 185), ("2h10m", 7800), ("10min", 600), ("1.5 h", 5400), ("1d", 86400)]
)
def test_times_are_read_as_they_are_written(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10", "10 parsecs", "-3s", "3m nonsense", "min"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="says no time"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "ten", "10 parsecs", "-3MB", "iB", "1,5GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no number of bytes"):
        parse_size(text)
