"""What is learnt of recordings is the probability of their letters, whenever they are said."""

from __future__ import annotations

import math
import random
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from zoo.training.audio.answering import windows_of
from zoo.training.audio.augmentation import masked
from zoo.training.audio.letters import (
    FollowingText,
    Spelled,
    collapsed,
    indices,
    letters_of,
    moments_needed,
    segments_of,
    spelled,
    text_of,
)
from zoo.training.audio.spectrogram import LogMel

RATE = 1_000


def test_letters_that_stay_are_one_and_blanks_divide_them() -> None:
    assert collapsed([0, 2, 2, 0, 2, 3, 3, 0, 0]) == [2, 2, 3]


@pytest.mark.parametrize("letters", [[1], [1, 2], [1, 1], [1, 1, 2, 2, 2], []])
def test_as_many_moments_are_needed_as_any_way_of_writing_has(letters: list[int]) -> None:
    shortest = next(
        moments
        for moments in range(10)
        if any(collapsed(path) == letters for path in product(range(3), repeat=moments))
    )

    assert moments_needed(letters) == shortest


def test_the_loss_is_that_of_all_ways_to_write_a_text() -> None:
    chances = torch.randn(1, 5, 3, dtype=torch.float64).log_softmax(-1)
    letters = [1, 2, 2]
    paths = [path for path in product(range(3), repeat=5) if collapsed(path) == letters]
    probability = sum(math.exp(sum(chances[0, t, one] for t, one in enumerate(path))) for path in paths)

    loss = torch.nn.functional.ctc_loss(
        chances.transpose(0, 1), torch.tensor([letters]), torch.tensor([5]), torch.tensor([3]), reduction="none"
    )

    assert loss.item() == pytest.approx(-math.log(probability))


def test_letters_come_from_the_data_as_they_are_spelled() -> None:
    head = letters_of(["Hé, you!", "who?"], "words")

    assert head.labels == ("<blank>", " ", "h", "o", "u", "w", "y", "é")
    assert indices("WHO: é x", head) == [5, 2, 3, 1, 7, 1]


def test_letters_have_times_and_pauses_divide_them() -> None:
    head = letters_of(["ab"], "words")
    best = [2, 2, 0, 3, 1, *[0] * 70, 2, 0]

    letters = spelled(best, head, 10.0, 0.01)

    assert text_of(letters) == "ab a"
    assert [text_of(segment) for segment in segments_of(letters)] == ["ab", "a"]
    assert (letters[0].start, letters[0].end) == (10.0, 10.02)
    assert letters[-1].start == pytest.approx(10.75)


@pytest.mark.parametrize("seconds", [0.5, 29.9, 30.0, 30.1, 56.0, 56.5, 100.0])
def test_each_moment_of_a_recording_counts_in_one_window(seconds: float) -> None:
    samples = np.arange(int(seconds * RATE), dtype=np.float32)
    blocks = (samples[start : start + 7_777] for start in range(0, len(samples), 7_777))

    windows = list(windows_of(blocks, RATE))

    assert max(len(window.samples) for window in windows) <= 30 * RATE
    assert windows[0].kept[0] == 0
    assert windows[-1].kept[1] == math.inf
    for before, after in pairwise(windows):
        assert before.kept[1] == after.kept[0]
        assert after.kept[0] - after.start == 2
    for window in windows:
        first = round(window.start * RATE)
        np.testing.assert_array_equal(window.samples, samples[first : first + len(window.samples)])
    assert sum(len(window.samples) for window in windows) == len(samples) + 4 * RATE * (len(windows) - 1)


def test_spectra_show_which_pitch_is_heard_when() -> None:
    times = np.arange(16_000) / 16_000
    tones = np.where(times < 0.5, np.sin(2 * np.pi * 500 * times), np.sin(2 * np.pi * 3_000 * times))

    spectra = LogMel(16_000, 40)(tones.astype(np.float32))

    assert spectra.shape == (101, 40)
    np.testing.assert_allclose(spectra.mean(0), 0, atol=1e-4)
    mel = [2595 * math.log10(1 + pitch / 700) for pitch in (500, 3_000, 8_000)]
    low, high = (round(mel[i] / mel[2] * 41) - 1 for i in (0, 1))
    assert spectra[2:45, low].min() > 0 > spectra[55:98, low].max()
    assert spectra[55:98, high].min() > 0 > spectra[2:45, high].max()


@pytest.mark.parametrize("samples", [1, 100, 511, 512])
def test_a_click_has_spectra_too(samples: int) -> None:
    spectra = LogMel(16_000, 40)(np.ones(samples, np.float32))

    assert spectra.shape == (1 + samples // 160, 40)
    assert np.isfinite(spectra).all()


def test_bands_are_left_out_alike_for_a_seed() -> None:
    frames = np.ones((100, 40), np.float32)

    views = [masked(frames, seed) for seed in range(20)]

    np.testing.assert_array_equal(views[3], masked(frames, 3))
    assert frames.all()
    assert 0.5 < np.mean(views) < 1
    for view in views:
        assert set(np.unique(view)) <= {0, 1}


def test_a_text_that_follows_in_parts_is_that_of_all_letters() -> None:
    draw = random.Random(0)
    for _ in range(300):
        letters = [Spelled(draw.choice("ab  "), float(at), at + 1.0) for at in range(12)]
        cuts = sorted(draw.sample(range(13), 3))
        following = FollowingText()
        parts = [following.add(letters[begin:end]) for begin, end in pairwise([0, *cuts, 12])]
        assert "".join(parts) == text_of(letters)
