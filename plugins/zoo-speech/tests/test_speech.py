"""Speech and sounds through the whole of zoo, and results that plain torch uses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import zoo
from zoo.cli import main
from zoo.tasks import get_task
from zoo.testing.samples import Samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MODEL = "deepspeech-tiny"
CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
TEACH: dict[str, Any] = CPU | {"spec_augment": False, "lr": 3e-3}


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))
        yield


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return Samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def spoken(samples: Samples) -> Path:
    """A table of recordings and what is said in them."""
    return samples.labelled(get_task("automatic-speech-recognition"))


@pytest.fixture(scope="module")
def recogniser(spoken: Path) -> zoo.Run:
    return zoo.finetune(MODEL, spoken, eval_data=spoken, name="heard", max_steps=140, eval_steps=70, **TEACH).wait(
        progress=False
    )


def rows(table: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]


def answers_of(folder: Path, recording: str) -> str:
    """What the lines of a result's README print, in a process that has no zoo."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code
    program = code[1].replace("this folder", folder.as_posix()).replace("a.wav", recording)
    without_zoo = "import sys; sys.modules['zoo'] = sys.modules['zoo_speech'] = None; exec(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", without_zoo, program], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_said_is_learnt(recogniser: zoo.Run) -> None:
    assert recogniser.metrics["wer"] < 0.3
    assert recogniser.metrics["cer"] < 0.3


def test_rates_that_are_converted_are_told_once(recogniser: zoo.Run) -> None:
    (note,) = (note for note in recogniser.snapshot.notes if "samples a second" in note)

    assert note.endswith(" recordings are converted to the 16,000 samples a second that the model hears")


def test_the_result_answers_without_zoo(recogniser: zoo.Run, spoken: Path, tmp_path: Path) -> None:
    model = zoo.load("heard", **CPU)
    recording = spoken.parent / rows(spoken)[0]["audio"]
    samples, rate = soundfile.read(recording, dtype="float32")
    converted = zoo.read_recording((samples, rate), 16_000)
    assert isinstance(converted, np.ndarray)
    soundfile.write(tmp_path / "a.wav", converted, 16_000, subtype="FLOAT")

    (answer,) = model.predict([str(recording)])

    assert isinstance(answer, zoo.Transcript)
    assert answers_of(recogniser.folder.model_folder, str(tmp_path / "a.wav")).split() == answer.text.split()


def test_files_arrays_and_streams_are_heard_alike(recogniser: zoo.Run, spoken: Path) -> None:
    model = zoo.load("heard", **CPU)
    path = str(spoken.parent / rows(spoken)[-1]["audio"])
    samples, rate = soundfile.read(path, dtype="float32")

    from_file, from_array = model.predict([path, (samples, rate)])
    *pieces, streamed = model.predictor.stream(path)

    assert from_file == from_array == streamed
    assert "".join(pieces) == from_file.text
    times = [time for segment in from_file.segments for time in (segment.start, segment.end)]
    assert times == sorted(times)
    assert times[-1] <= len(samples) / rate


def test_an_hour_is_heard_in_windows(recogniser: zoo.Run, spoken: Path, tmp_path: Path) -> None:
    """What is said at its beginning, in its middle and at its end is heard there, and once."""
    model = zoo.load("heard", **CPU)
    said, rate = soundfile.read(spoken.parent / rows(spoken)[-1]["audio"], dtype="float32")
    noise = np.random.default_rng(0).normal(0, 0.01, 100 * rate).astype(np.float32)
    for second in (0, 27, 54, 90):
        noise[second * rate : second * rate + len(said)] = said
    soundfile.write(tmp_path / "long.wav", noise, rate)

    (answer,) = model.predict([str(tmp_path / "long.wav")])
    *pieces, streamed = model.predictor.stream(str(tmp_path / "long.wav"))

    assert isinstance(answer, zoo.Transcript)
    assert (streamed, "".join(pieces)) == (answer, answer.text)
    assert [piece.start for piece in pieces] == sorted(piece.start for piece in pieces)
    assert {segment.start for segment in answer.segments} <= {round(piece.start, 3) for piece in pieces}
    for second in (0, 27, 54, 90):  # in noise it may hear letters, too
        end = second + len(said) / rate
        assert any(one.start < end and one.end > second for one in answer.segments), answer.segments


def test_subtitles_are_written(recogniser: zoo.Run, spoken: Path, tmp_path: Path) -> None:
    path = str(spoken.parent / rows(spoken)[0]["audio"])
    for name, beginning in (("a.srt", "1\n00:00:0"), ("a.vtt", "WEBVTT\n\n00:00:0")):
        words = ["predict", "heard", path, "--format", name[2:], "--device", "cpu", "-q"]
        done = subprocess.run([sys.executable, "-m", "zoo", *words], capture_output=True, encoding="utf-8", check=True)
        (tmp_path / name).write_text(done.stdout, encoding="utf-8")
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(beginning)


def test_samples_that_python_holds_are_learnt_as_files_are(recogniser: zoo.Run, spoken: Path) -> None:
    held = []
    for row in rows(spoken)[:12]:
        held.append((soundfile.read(spoken.parent / row["audio"], dtype="float32"), row["text"]))

    run = zoo.finetune("heard", held, eval_data=held, max_steps=1, **TEACH | {"lr": 1e-6}).wait(progress=False)

    assert run.metrics["wer"] < 0.5
    judged = zoo.evaluate(run.name, held, **CPU).wait(progress=False)
    assert judged.metrics["wer"] == pytest.approx(run.metrics["wer"])


def test_rows_that_no_network_can_hear_are_set_aside(spoken: Path, tmp_path: Path) -> None:
    click = tmp_path / "click.wav"
    soundfile.write(click, np.zeros(800, np.float32), 16_000)
    lines = [
        {"audio": str(spoken.parent / row["audio"]), "text": row["text"]} for row in rows(spoken) if row["text"].strip()
    ]
    lines += [{"audio": str(click), "text": "as many letters as this"}, {"audio": str(click), "text": "..."}]
    table = tmp_path / "table.jsonl"
    table.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    run = zoo.finetune(MODEL, table, max_steps=2, eval_share=0, **TEACH).wait(progress=False)

    quarantine = (run.folder.path / "quarantine.jsonl").read_text(encoding="utf-8")
    reasons = [json.loads(line)["reason"] for line in quarantine.splitlines()]
    assert len(reasons) == 2
    assert any("23 letters need 24 moments, and the network tells 6 apart" in reason for reason in reasons), reasons
    assert any("the transcript '...' has no letter that can be learnt" in reason for reason in reasons), reasons


def test_sounds_are_told_apart(samples: Samples) -> None:
    folder = samples.labelled(get_task("audio-classification"))
    run = zoo.finetune(MODEL, folder, eval_data=folder, task="audio-classification", max_steps=60, **TEACH).wait(
        progress=False
    )
    recording = sorted(folder.rglob("*.wav"))[-1]

    (answer,) = zoo.load(run.name, **CPU).predict([str(recording)])

    assert run.metrics["accuracy"] > 0.9
    assert isinstance(answer, zoo.Classification)
    assert answer.scores[0].label == recording.parent.name


def test_a_new_training_keeps_letters_that_suffice(recogniser: zoo.Run, spoken: Path) -> None:
    run = zoo.finetune("heard", spoken, eval_data=spoken, max_steps=1, **TEACH | {"lr": 1e-6}).wait(progress=False)

    assert run.metrics["wer"] == pytest.approx(recogniser.metrics["wer"], abs=0.05)


def test_an_inspection_names_letters_that_the_model_lacks(
    recogniser: zoo.Run, spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = spoken.parent / rows(spoken)[0]["audio"]
    (tmp_path / "table.csv").write_text(f"audio,text\n{recording},a ñ b\n", encoding="utf-8")

    assert main(["data", "inspect", str(tmp_path / "table.csv"), "--model", "heard"]) == 0

    assert "table.csv has characters that the model has no letter for: ñ; " in " ".join(capsys.readouterr().out.split())


def test_deepspeech_is_that_of_the_paper() -> None:
    """Equations 1 to 5 of Hannun et al. 2014, on one recording."""
    from zoo_speech.deepspeech import DeepSpeech

    torch.manual_seed(0)
    network = DeepSpeech(bands=4, context=2, width=6).eval()
    spectra = torch.randn(1, 7, 4)
    around = torch.nn.functional.pad(spectra[0], (0, 0, 2, 2))
    h = torch.stack([around[t : t + 5].T.flatten() for t in range(7)])
    for layer in network.layers:
        h = (h @ layer.weight.T + layer.bias).clamp(0, 20)
    recurrent = dict(network.recurrent.named_parameters())
    both = torch.zeros(7, 6)
    for suffix, order in (("", range(7)), ("_reverse", range(6, -1, -1))):
        state = torch.zeros(6)
        for t in order:
            names = (f"weight_ih_l0{suffix}", f"bias_ih_l0{suffix}", f"weight_hh_l0{suffix}", f"bias_hh_l0{suffix}")
            w, b, u, c = (recurrent[name] for name in names)
            state = (w @ h[t] + b + u @ state + c).relu()
            both[t] += state
    expected = (both @ network.last.weight.T + network.last.bias).clamp(0, 20)

    longer = torch.cat([torch.cat([spectra, torch.zeros(1, 3, 4)], 1), torch.randn(1, 10, 4)])
    with torch.inference_mode():
        alone = network(spectra, torch.tensor([7]))
        beside = network(longer, torch.tensor([7, 10]))

    torch.testing.assert_close(alone[0], expected)
    torch.testing.assert_close(beside[0, :7], expected)


@pytest.mark.parametrize("name", ["deepspeech", "deepspeech-small", "deepspeech-tiny"])
def test_cards_state_the_parameters(name: str) -> None:
    from zoo_speech.cards import CARDS, OUTPUTS
    from zoo_speech.deepspeech import DeepSpeech

    card = next(card for card in CARDS if card.name == name)
    with torch.device("meta"):
        network = DeepSpeech(**card.architecture)
        head = torch.nn.Linear(card.architecture["width"], OUTPUTS)

    assert card.parameters == sum(one.numel() for module in (network, head) for one in module.parameters())
