"""Whisper beside transformers' own: small models of random numbers, pulled from a server shaped like the Hub."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from zoo_speech.whisper_cards import CARDS, parameters
from zoo_speech.whisper_features import FRAMES, STEP, MelBands, RecordingSpectra, slaney_filters

import zoo

pytestmark = pytest.mark.timeout(300)

CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("zoo-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, whispers: Any) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    whispers.save(folder / "english")
    whispers.save(folder / "languages", multilingual=True)
    return {name: folder / name for name in ("english", "languages")}


@pytest.fixture(scope="module")
def pulled(store: Path, folders: dict[str, Path], whispers: Any) -> Iterator[dict[str, zoo.Model]]:
    """Both, brought from the server."""
    with whispers.pulled(folders):
        yield {name: zoo.load(name, **CPU) for name in folders}


@pytest.fixture(scope="module")
def written(folders: dict[str, Path], whispers: Any) -> Callable[..., list[tuple[float, float, str]]]:
    """Beginning, end and text of the segments that transformers' own model writes."""

    @cache
    def network(name: str) -> Any:
        import transformers

        return transformers.WhisperForConditionalGeneration.from_pretrained(folders[name], dtype=torch.float32)

    return lambda name, samples, **how: whispers.written(network(name), samples, **how)


@pytest.mark.filterwarnings("ignore")  # those of transformers
@pytest.mark.parametrize("seconds", [30.0, 71.3])
@pytest.mark.parametrize("name", ["english", "languages"])
def test_what_is_written_is_what_transformers_writes(
    name: str, seconds: float, pulled: dict[str, zoo.Model], written: Callable[..., Any], whispers: Any
) -> None:
    samples = whispers.noise(seconds)
    task = {"task": "transcribe"} if name == "languages" else {}  # which transformers leaves out unless asked
    expected = written(name, samples, **task)

    (answer,) = pulled[name].predict([(samples, whispers.rate)])

    assert isinstance(answer, zoo.Transcript)
    assert len(expected) > 2
    assert [(one.start, one.end, one.text) for one in answer.segments] == expected
    assert (answer.language in whispers.languages) == (name == "languages")


def test_several_recordings_are_heard_at_once_as_each_alone(
    pulled: dict[str, zoo.Model], tmp_path: Path, whispers: Any
) -> None:
    model = pulled["languages"]
    recordings: list[Any] = [
        (whispers.noise(seconds, seed), whispers.rate) for seed, seconds in enumerate((3.0, 64.0, 12.5, 33.0))
    ]
    soundfile.write(tmp_path / "a.wav", recordings[1][0], whispers.rate, subtype="FLOAT")
    (tmp_path / "b.wav").write_bytes(b"no sound")
    inputs = [recordings[0], str(tmp_path / "b.wav"), str(tmp_path / "a.wav"), *recordings[2:]]

    answers = model.predict(inputs)

    assert isinstance(answers[1], zoo.Rejected)
    del answers[1], inputs[1]
    assert [model.predict([one])[0] for one in inputs] == answers


def test_the_text_of_each_window_is_streamed(pulled: dict[str, zoo.Model], whispers: Any) -> None:
    samples = whispers.noise(71.3)

    *pieces, answer = pulled["english"].predictor.stream((samples, whispers.rate))

    assert len(pieces) > 2
    assert "".join(pieces).strip() == answer.text
    assert [piece.start for piece in pieces] == [segment.start for segment in answer.segments]
    assert pulled["english"].predict([(samples, whispers.rate)]) == [answer]


@pytest.mark.filterwarnings("ignore")
def test_a_language_is_chosen_and_translated(
    pulled: dict[str, zoo.Model], written: Callable[..., list[tuple[float, float, str]]], whispers: Any
) -> None:
    samples = whispers.noise(30.0, seed=3)
    expected = written("languages", samples, language="de", task="translate")

    (answer,) = zoo.load("languages", **CPU, language="de", translate=True).predict([(samples, whispers.rate)])

    assert answer.language == "de"
    assert [(one.start, one.end, one.text) for one in answer.segments] == expected


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("english", {"language": "de"}, "english knows English alone"),
        ("english", {"translate": True}, "english does not translate"),
        ("languages", {"language": "xx"}, "languages does not know the language 'xx'"),
    ],
)
def test_a_language_that_the_model_does_not_know_is_refused(
    name: str, options: dict[str, Any], message: str, pulled: dict[str, zoo.Model]
) -> None:
    with pytest.raises(zoo.OptionInvalid) as caught:
        zoo.load(name, **CPU, **options)

    assert caught.value.message == message


@pytest.mark.slow
def test_subtitles_are_written(pulled: dict[str, zoo.Model], tmp_path: Path, whispers: Any) -> None:
    soundfile.write(tmp_path / "talk.flac", whispers.noise(33.0), whispers.rate)
    words = ["predict", "english", str(tmp_path / "talk.flac"), "--format", "srt", "--device", "cpu", "-q"]

    done = subprocess.run([sys.executable, "-m", "zoo", *words], capture_output=True, encoding="utf-8", check=True)

    assert done.stdout.startswith("1\n00:00:0")


def test_silence_is_passed_over_and_an_hour_of_it_takes_no_memory(whispers: Any) -> None:
    """Its samples come as they are needed, and what comes after it is heard at its time."""
    blocks = [30 * whispers.rate] * 120

    def sound() -> Iterator[NDArray[np.float32]]:
        for length in blocks:
            yield np.zeros(length, np.float32)
        yield whispers.noise(3.0)

    spectra = RecordingSpectra(MelBands(80), sound())
    tracemalloc.start()
    window = spectra.window()
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert window is not None
    assert spectra.at == 357_000  # the last window of silence ends with the first sound
    assert window.frames == 3_000
    assert most_bytes < 50_000_000


def test_nothing_is_written_where_there_is_no_sound(pulled: dict[str, zoo.Model], whispers: Any) -> None:
    silence = np.zeros(5 * whispers.rate, np.float32)

    (answer,) = pulled["english"].predict([(silence, whispers.rate)])

    assert answer == zoo.Transcript(text="")


@pytest.mark.parametrize("seconds", [0.01, 3.0, 30.0, 30.01, 64.7])
def test_spectra_are_those_of_transformers(seconds: float, whispers: Any) -> None:
    """Of the whole recording, however its samples arrive; levels of a long one count from what was heard so far."""
    import transformers

    samples = whispers.noise(seconds)
    longer = len(samples) > FRAMES * STEP
    extract = transformers.WhisperFeatureExtractor(feature_size=80)
    expected = extract(
        samples, sampling_rate=whispers.rate, return_tensors="pt", truncation=False, padding="max_length"
    )
    blocks = np.split(samples, range(7_000, len(samples), 101_000))

    spectra = RecordingSpectra(MelBands(80), iter(blocks))
    windows = []
    while (window := spectra.window()) is not None:
        windows.append(window)
        spectra.skip(window.frames)

    assert sum(window.frames for window in windows) == (len(samples) // STEP if longer else -(-len(samples) // STEP))
    actual = torch.cat([window.features[: window.frames] if longer else window.features for window in windows])
    torch.testing.assert_close(actual, expected["input_features"][0].T, atol=1e-4, rtol=0)


def test_filters_are_those_of_transformers() -> None:
    import transformers

    for bands in (80, 128):
        expected = transformers.WhisperFeatureExtractor(feature_size=bands).mel_filters.T
        np.testing.assert_allclose(slaney_filters(bands), expected, atol=1e-6)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards_state_the_parameters(card: zoo.Card) -> None:
    import transformers

    sizes = card.architecture
    layers = {"encoder_layers": sizes["layers"], "decoder_layers": sizes["decoder_layers"]}
    parts = ("encoder", "decoder")
    heads = {f"{part}_attention_heads": sizes["heads"] for part in parts}
    inner = {f"{part}_ffn_dim": 4 * sizes["width"] for part in parts}
    config = transformers.WhisperConfig(
        d_model=sizes["width"], vocab_size=sizes["vocabulary"], num_mel_bins=sizes["bands"], **layers, **heads, **inner
    )
    with torch.device("meta"):
        network = transformers.WhisperForConditionalGeneration(config)

    assert network.num_parameters() == card.parameters == parameters(sizes)
