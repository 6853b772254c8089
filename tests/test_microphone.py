"""A microphone is recorded into a file by a process of its own, whatever the microphone does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import zoo.microphone
from tests.microphone_standin import install_microphone
from zoo.errors import DatasetInvalid, DeviceUnavailable, Unsupported
from zoo.microphone import Level, Recorded, Recording, check_microphone

soundfile = pytest.importorskip("soundfile")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """First on the import path of this process and of its children."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])))
    return site


def record(path: Path, longest_s: float = 1.0) -> Recorded:
    with Recording(path, longest_s) as recording:
        list(recording.levels())
        return recording.finish()


def test_it_ends_to_the_sample_and_is_at_the_rate_of_the_microphone(site: Path, tmp_path: Path) -> None:
    install_microphone(site)

    with Recording(tmp_path / "one.wav", 0.35) as recording:
        levels = list(recording.levels())
        recorded = recording.finish()

    assert Recorded(0.35) == recorded
    assert [0.1, 0.2, 0.3, 0.35] == [level.seconds for level in levels]
    assert {0.5} == {round(level.peak, 3) for level in levels}
    info = soundfile.info(tmp_path / "one.wav")
    assert (44_100, 1, round(0.35 * 44_100), "PCM_16") == (info.samplerate, info.channels, info.frames, info.subtype)


def test_whoever_stops_it_keeps_what_was_said(site: Path, tmp_path: Path) -> None:
    install_microphone(site)

    with Recording(tmp_path / "one.wav") as recording:
        levels = recording.levels()
        for _ in range(3):
            next(levels)
        recorded = recording.finish()

    assert 0.4 <= recorded.seconds
    assert round(recorded.seconds * 44_100) == soundfile.info(tmp_path / "one.wav").frames


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"refused_rates": (44_100, 48_000)}, (16_000, 1)),
        ({"channels": 8, "refused_channels": (1,)}, (44_100, 2)),
        ({"rate": 22_050.0}, (22_050, 1)),
    ],
)
def test_what_it_refuses_is_asked_otherwise(
    settings: dict[str, object], expected: tuple[int, int], site: Path, tmp_path: Path
) -> None:
    install_microphone(site, **settings)  # type: ignore[arg-type]

    record(tmp_path / "one.wav", 0.1)

    info = soundfile.info(tmp_path / "one.wav")
    assert expected == (info.samplerate, info.channels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"absent": True}, "there is no microphone"),
        (
            {"refused_channels": (1,)},
            r"the microphone desk microphone cannot be opened: .*Error opening InputStream: 44100 Hz in 1",
        ),
        ({"at_start": "raise PortAudioError('it is in use')"}, "cannot be opened: it is in use"),
        ({"at_start": "os._exit(7)"}, "the process that records ended with code 7"),
    ],
)
def test_a_microphone_that_cannot_be_opened_is_told(
    settings: dict[str, object], message: str, site: Path, tmp_path: Path
) -> None:
    install_microphone(site, **settings)  # type: ignore[arg-type]

    with pytest.raises(DeviceUnavailable, match=message) as error:
        record(tmp_path / "one.wav")

    assert "python -m sounddevice" in error.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("goes_silently", [False, True])
def test_what_was_said_before_it_went_away_is_kept(goes_silently: bool, site: Path, tmp_path: Path) -> None:
    install_microphone(site, blocks=3, goes_silently=goes_silently)

    assert Recorded(0.3, "the microphone went away after 0.3 s") == record(tmp_path / "one.wav", 60)
    assert round(0.3 * 44_100) == soundfile.info(tmp_path / "one.wav").frames


@pytest.mark.parametrize("settings", [{"blocks": 0}, {"frames": 0, "blocks": 5}])
def test_no_samples_are_no_recording(settings: dict[str, int], site: Path, tmp_path: Path) -> None:
    install_microphone(site, **settings)  # type: ignore[arg-type]

    with pytest.raises(DatasetInvalid, match="nothing was recorded"):
        record(tmp_path / "one.wav", 60)


def test_silence_and_gaps_are_told(site: Path, tmp_path: Path) -> None:
    install_microphone(site, level=0.0)
    assert "nothing but silence" in record(tmp_path / "one.wav", 0.2).remark
    install_microphone(site, overflow_at=1)
    assert "too busy" in record(tmp_path / "two.wav", 0.5).remark


def test_a_file_that_cannot_be_written_is_told(site: Path, tmp_path: Path) -> None:
    install_microphone(site)

    with pytest.raises(DeviceUnavailable, match="the recording cannot be written: ") as error:
        record(tmp_path / "none" / "one.wav")

    assert "disk" in error.value.hint


def test_one_that_hangs_is_ended(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_microphone(site, at_stop="time.sleep(600)")
    monkeypatch.setattr(zoo.microphone, "EXIT_TIMEOUT_S", 0.1)

    with Recording(tmp_path / "one.wav") as recording:
        next(recording.levels())
        with pytest.raises(DeviceUnavailable, match="the process that records ended"):
            recording.finish()


def test_what_is_not_installed_is_told(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    with pytest.raises(DeviceUnavailable, match="does not find PortAudio") as error:
        record(tmp_path / "one.wav")
    assert "libportaudio2" in error.value.hint

    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(Unsupported, match="needs sounddevice") as missing:
        check_microphone()
    assert "zoo-models[microphone]" in missing.value.hint


def test_the_meter_has_sixty_decibels() -> None:
    assert [0.0, 0.0, 0.5, 1.0] == [round(Level(1, peak).on_meter, 2) for peak in (0, 1e-4, 10**-1.5, 1)]
