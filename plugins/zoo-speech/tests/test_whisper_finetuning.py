"""Whisper learns: small models of random numbers, whose results transformers loads and zoo asks at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from zoo_speech.whisper_cards import CARDS, TASK

import zoo
from zoo.runs.events import CheckpointSaved, EvaluationCompleted
from zoo.tasks import get_task
from zoo.testing import PluginHooks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
QUICK: dict[str, Any] = CPU | {"batch_size": 4, "lr": 3e-3}
SAID = ("One, two.", "Three four five", "Six")


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("zoo-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def folders(store: Path, tmp_path_factory: pytest.TempPathFactory, whispers: Any) -> Iterator[dict[str, Path]]:
    """Two models as published, which are pulled under these names."""
    folder = tmp_path_factory.mktemp("models")
    whispers.save(folder / "small-en")
    whispers.save(folder / "small", multilingual=True)
    folders = {path.name: path for path in folder.iterdir()}
    with whispers.pulled(folders):
        yield folders


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, whispers: Any) -> list[tuple[str, str]]:
    """Paths and what is said."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = []
    for number in range(12):
        path = folder / f"{number}.wav"
        soundfile.write(path, whispers.noise(0.4 + number % 3 * 0.3, number), whispers.rate)
        rows.append((str(path), SAID[number % 3]))
    return rows


@pytest.fixture(scope="module")
def table(recordings: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "manifest.jsonl"
    path.write_text("".join(json.dumps({"audio": one, "text": text}) + "\n" for one, text in recordings))
    return path


@pytest.fixture(scope="module")
def learnt(folders: dict[str, Path], table: Path) -> zoo.Run:
    return zoo.finetune("small-en", table, eval_data=table, name="learnt", max_steps=16, eval_steps=4, **QUICK).wait(
        progress=False
    )


def training(recordings: list[tuple[str, str]], weights: Path, folder: Path, **more: Any) -> Any:
    """A run in this process; `stop_after` asks it to stop after that checkpoint."""
    stop_after = more.pop("stop_after", 0)
    saved: list[int] = []
    card = msgspec.structs.replace(CARDS[0], plugin="speech")
    examples = tuple(zoo.Example(path, text, row) for row, (path, text) in enumerate(recordings, 1))
    folder.mkdir(exist_ok=True)
    options = {"max_steps": 4, "batch_size": 4, "eval_steps": 2, "save_steps": 1, **more}
    return zoo.TrainingRun(
        card=card,
        task=get_task(TASK),
        weights=weights,
        train=examples[:8],
        eval=examples[8:],
        labels=(),
        options=PluginHooks.options(card.ability("finetune", TASK), **options),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=lambda event: saved.append(event.step) if isinstance(event, CheckpointSaved) else None,
        should_stop=lambda: bool(stop_after) and stop_after in saved,
    )


def test_what_is_said_is_learnt(learnt: zoo.Run) -> None:
    first, *_, last = [event.metrics["loss"] for event in learnt.events() if isinstance(event, EvaluationCompleted)]

    assert last < first - 0.2
    assert {"wer", "cer", "wer_low", "wer_high"} <= learnt.metrics.keys()


def test_two_processes_that_divide_the_network_learn_and_write_the_same(learnt: zoo.Run, table: Path) -> None:
    """Each goes on writing for as long as its own recordings want."""
    divided = zoo.finetune(
        "small-en", table, eval_data=table, max_steps=16, eval_steps=4, processes=2, shard=True, **QUICK
    ).wait(progress=False)
    whole, parts = (
        [event.metrics for event in run.events() if isinstance(event, EvaluationCompleted)] for run in (learnt, divided)
    )
    assert len(whole) == len(parts) == 4
    assert parts[0] == pytest.approx(whole[0], rel=1e-4)
    expected, weights = (load_file(run.folder.model_folder / "model.safetensors") for run in (learnt, divided))
    assert weights.keys() == expected.keys()


@pytest.mark.filterwarnings("ignore")  # those of transformers
def test_a_result_is_one_of_transformers_with_the_same_answers(
    learnt: zoo.Run, folders: dict[str, Path], whispers: Any
) -> None:
    import transformers

    folder = learnt.folder.model_folder
    network, report = transformers.WhisperForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    sound = whispers.noise(30.0, seed=5)
    expected = whispers.written(network, sound)

    (answer,) = zoo.load("learnt", **CPU).predict([(sound, whispers.rate)])

    assert len(expected) > 2
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert [(one.start, one.end, one.text) for one in answer.segments] == expected
    rules = "generation_config.json"
    assert (folder / rules).read_bytes() == (folders["small-en"] / rules).read_bytes()


def test_a_result_is_judged_as_its_run_did(learnt: zoo.Run, table: Path) -> None:
    judged = zoo.evaluate("learnt", table, **CPU).wait(progress=False)

    for name in ("wer", "cer"):
        assert judged.metrics[name] == pytest.approx(learnt.metrics[name], abs=1e-3)


def test_the_loss_is_the_cross_entropy_of_what_the_data_say(
    recordings: list[tuple[str, str]], folders: dict[str, Path], tmp_path: Path, whispers: Any
) -> None:
    """Of words among all tokens but times, of any time at the end, and of the end."""
    import transformers

    network = transformers.WhisperForConditionalGeneration.from_pretrained(folders["small-en"], dtype=torch.float32)
    tokens = whispers.tokenizer(multilingual=False)
    start, end, first_time = (tokens.token_to_id(f"<|{one}|>") for one in ("startoftranscript", "endoftext", "0.00"))
    run = training(recordings, folders["small-en"], tmp_path / "run")
    objective = PluginHooks("speech").finetune(run)
    features = objective.features(run.train[:2])
    expected = []
    for path, said in recordings[:2]:
        sound = soundfile.read(path, dtype="float32")[0]
        seen = transformers.WhisperFeatureExtractor()(sound, sampling_rate=whispers.rate, return_tensors="pt")
        words = tokens.encode(" " + said).ids
        ids = [start, first_time, *words, first_time + -(-len(sound) // 320)]
        with torch.inference_mode():
            logits = network(**seen, decoder_input_ids=torch.tensor([ids])).logits[0]
        chances = logits.log_softmax(-1)
        of_words = [-float(logits[1 + i, :first_time].log_softmax(-1)[word]) for i, word in enumerate(words)]
        of_time = -float(chances[1 + len(words), first_time:].logsumexp(-1))
        expected.append(np.mean([*of_words, of_time, -float(chances[-1, end])]))

    batch = objective.collate(features, [0, 1], training=True)
    output = objective.losses(objective.module, batch)

    assert output.losses.tolist() == pytest.approx(expected, abs=2e-3)
    assert output.weights is not None
    assert output.weights.tolist() == [len(said) + 3 for _, said in recordings[:2]]


def test_what_does_not_fit_is_set_aside(
    recordings: list[tuple[str, str]], folders: dict[str, Path], tmp_path: Path, whispers: Any
) -> None:
    soundfile.write(tmp_path / "long.wav", whispers.noise(31.0), whispers.rate)
    soundfile.write(tmp_path / "whole.wav", whispers.noise(30.0), whispers.rate)
    short = recordings[0][0]
    rows = [
        (str(tmp_path / "whole.wav"), "as long as can be"),
        (str(tmp_path / "long.wav"), "too long"),
        (short, "a" * 100),
        (short, "it ends <|0.00|> here"),
        (short, " "),
        (str(tmp_path / "nowhere.wav"), "words"),
    ]
    run = training(rows, folders["small-en"], tmp_path / "run")

    whole, *rejected = PluginHooks("speech").finetune(run).features(run.train)

    assert not isinstance(whole, zoo.Rejected)
    assert all(isinstance(one, zoo.Rejected) for one in rejected)
    for one, reason in zip(
        rejected,
        (
            "it lasts 31.0 s, and 30 s are heard at once",
            "the transcript has 101 tokens, and 61 can be written",
            "the transcript has <|0.00|>",
            "the transcript ' ' has no word",
            "",
        ),
        strict=True,
    ):
        assert one.reason.startswith(reason)


@pytest.mark.parametrize(
    ("seconds", "segments", "expected"),
    [
        (2.0, "0.0 one 1.0 1.0 two 1.9", " one two"),
        (2.0, "0.0 one 1.0 1.0 two", " one two"),  # it is cut, and would be heard again from there
        (0.9, "0.0 one 1.0 1.0 two 1.9", " one"),
        (0.9, "0.0 one 1.0 1.0 two", " one"),
        (0.9, "0.0 one", " one"),
        (2.0, "", ""),
    ],
)
def test_nothing_counts_that_is_written_after_the_end_of_a_recording(
    seconds: float, segments: str, expected: str, folders: dict[str, Path]
) -> None:
    from zoo_speech.whisper_tokens import WhisperTokens

    tokens = WhisperTokens(folders["small-en"])
    ids = [
        number
        for part in segments.split()
        for number in (
            [tokens.first_time + round(float(part) / 0.02)]
            if part[0].isdigit()
            else tokens.tokenizer.encode(f" {part}").ids
        )
    ]

    assert tokens.text_within(ids, round(seconds * 100)) == expected


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    recordings: list[tuple[str, str]], folders: dict[str, Path], tmp_path: Path
) -> None:
    results = []
    for name, stops in (("whole", [0]), ("stopped", [2, 0])):
        for stop_after in stops:
            run = training(recordings, folders["small-en"], tmp_path / name, stop_after=stop_after, spec_augment=True)
            result = PluginHooks("speech").finetune(run).fit(run)
            assert result.cancelled == bool(stop_after)
        results.append((result.metrics, load_file(tmp_path / name / "model" / "model.safetensors")))

    (whole_metrics, whole), (metrics, state) = results
    assert metrics == whole_metrics
    assert state.keys() == whole.keys()
    assert all(torch.equal(state[name], whole[name]) for name in whole)


@pytest.mark.parametrize("method", ["head", "lora"])
def test_a_part_is_trained(
    method: str, recordings: list[tuple[str, str]], folders: dict[str, Path], tmp_path: Path
) -> None:
    """The decoder, each recording being encoded once; or adapters, which are kept beside the result."""
    run = training(recordings, folders["small-en"], tmp_path / "run", method=method, eval_steps=4)
    objective = PluginHooks("speech").finetune(run)
    encoded = []
    objective.module.network.model.encoder.conv1.register_forward_hook(lambda *_: encoded.append(1))

    objective.fit(run)

    before, after = (load_file(path / "model.safetensors") for path in (folders["small-en"], run.model_folder))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    if method == "head":
        assert len(encoded) == 2  # of what is learnt from, and of what is judged by
        assert changed == {name for name in before if name.startswith("model.decoder")}
    else:
        assert {name.split(".")[-2] for name in changed} == {"q_proj", "v_proj"}
        adapter = load_file(run.model_folder / "adapter" / "adapter_model.safetensors")
        assert all(name.startswith("base_model.model.model.") for name in adapter)


def test_bf16_learns_nearly_the_same(learnt: zoo.Run, table: Path) -> None:
    options = QUICK | {"precision": "bf16", "max_steps": 16, "eval_steps": 4}

    run = zoo.finetune("small-en", table, eval_data=table, **options).wait(progress=False)

    assert run.metrics["loss"] == pytest.approx(learnt.metrics["loss"], rel=0.05)


def test_a_language_is_asked_for_and_kept(folders: dict[str, Path], table: Path, whispers: Any) -> None:
    with pytest.raises(zoo.ZooError, match=r"small writes 3 languages; nothing says which is spoken here"):
        zoo.finetune("small", table, max_steps=1, **QUICK).wait(progress=False)

    run = zoo.finetune("small", table, max_steps=1, language="de", normalizer="words", **QUICK).wait(progress=False)
    (answer,) = zoo.load(run.name, **CPU).predict([(whispers.noise(2.0), whispers.rate)])
    again = zoo.finetune(run.name, table, max_steps=1, **QUICK).wait(progress=False)

    assert answer.language == "de"
    rules = json.loads((again.folder.model_folder / "generation_config.json").read_text())
    assert (rules["language"], rules["task"]) == ("de", "transcribe")
    assert json.loads((again.folder.model_folder / "config.json").read_text())["normalizer"] == "words"


@pytest.mark.skipif(sys.platform == "win32", reason="processes of one run meet through gloo")
def test_two_processes_learn_what_one_does(folders: dict[str, Path], table: Path) -> None:
    options = QUICK | {"max_steps": 3, "eval_data": table}
    losses = [
        zoo.finetune("small-en", table, **options, **more).wait(progress=False).metrics["loss"]
        for more in ({}, {"processes": 2})
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
