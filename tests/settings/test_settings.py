"""What holds where nobody says otherwise, who says so, and the file that it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoo import settings
from zoo.devices import choose
from zoo.errors import DeviceUnavailable, OptionInvalid, StoreInvalid
from zoo.locking import locked
from zoo.paths import cache_folder, home
from zoo.runs.launcher import environment
from zoo.settings import file
from zoo.settings.table import SETTINGS


@pytest.fixture(autouse=True)
def config(store: Path) -> Iterator[Path]:
    """The file, which is read anew."""
    file.forget()
    yield store / "config.toml"
    file.forget()


def written(config: Path, text: str) -> None:
    """Let the file be this."""
    config.write_text(text, encoding="utf-8")
    file.forget()


def changed(said: dict[str, str | None]) -> None:
    """Change the file, and go by what it says now."""
    file.change(said)
    file.forget()


def test_the_environment_goes_before_the_file_and_that_before_the_default(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ("auto", "default") == (settings.value("device"), str(settings.resolve("device").origin))

    written(config, '\ndevice = "cuda:1"\n')
    assert ("cuda:1", f"{config}, line 2") == (settings.value("device"), str(settings.resolve("device").origin))

    monkeypatch.setenv("ZOO_DEVICE", "cpu")
    value = settings.resolve("device")
    assert ("cpu", "ZOO_DEVICE in the environment") == (settings.value("device"), str(value.origin))
    assert ["cuda:1", "auto"] == [text for text, _ in value.others]


def test_a_variable_that_means_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_PRECISION", "half")

    with pytest.raises(OptionInvalid) as caught:
        settings.value("precision")
    assert caught.value.message == "ZOO_PRECISION is 'half', but takes auto, fp32, bf16, fp16"
    assert caught.value.hint == "unset ZOO_PRECISION"


def test_a_folder_of_somebody_who_is_unknown_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", "~nobody-of-this-name/x")

    for name in SETTINGS:
        with pytest.raises(OptionInvalid, match="ZOO_HOME is '~nobody-of-this-name/x', but takes the path of a folder"):
            settings.value(name)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('# one\ndevcie = "cpu"\n', "line 2: there is no setting 'devcie'", "did you mean device?"),
        (
            'device = "cpu"\nprecision = "fp99"\n',
            'line 2: precision is "fp99", but takes auto, fp32, bf16, fp16',
            "mend the line, or zoo config --unset precision",
        ),
        ("device = true\n", "line 1: device is true, but takes auto, cpu, cuda, cuda:N, mps, xpu or xpu:N", "mend"),
        ("keep_warm = 9999\n", "line 1: keep_warm is 9999, but takes minutes, 0 to 1440", "mend the line"),
        (
            'home = "~nobody-of-this-name/x"\n',
            'line 1: home is "~nobody-of-this-name/x", but takes the path',
            "mend the",
        ),
        ("\n\ndevice = cpu\n", "line 3: this is no TOML: Invalid value", 'a setting is written as device = "cpu"'),
        ('device = "cpu', "line 1: this is no TOML: ", "a setting is written"),
        ('[train]\nlr = "1"\n', "line 1: there is no setting 'train'", "there are device, precision, home"),
        ('device = "cpu"\ndevice = "mps"\n', "line 2: this is no TOML: Cannot overwrite a value", ""),
    ],
)
def test_what_means_nothing_in_the_file_is_named_with_its_line(
    text: str, message: str, hint: str, config: Path
) -> None:
    written(config, text)

    with pytest.raises(StoreInvalid) as caught:
        settings.value("device")
    assert caught.value.message.startswith(f"{config}, {message}")
    assert caught.value.hint.startswith(hint)


def test_a_file_that_is_no_text_is_told(config: Path) -> None:
    config.write_bytes(b"\xff\xfe")

    with pytest.raises(StoreInvalid, match="is no UTF-8"):
        settings.value("device")


def test_numbers_may_be_written_as_such_and_names_with_dashes(config: Path) -> None:
    written(config, "keep-warm = 10\n")

    assert settings.value("keep_warm") == "10"


def test_what_is_changed_stands_in_its_line_and_all_else_stays(config: Path) -> None:
    before = "# mine\n\ndevice = 'cpu'  # the card is borrowed\n\ntheme = \"nord\"\n"
    written(config, before)

    changed({"device": "cuda", "precision": "bf16"})
    assert config.read_text() == before.replace("'cpu'", '"cuda"') + 'precision = "bf16"\n'
    assert (settings.value("device"), settings.value("precision"), settings.value("theme")) == ("cuda", "bf16", "nord")

    changed({"device": None, "keep_warm": None})
    assert config.read_text() == '# mine\n\n\ntheme = "nord"\nprecision = "bf16"\n'


@pytest.mark.parametrize("before", ["keep-warm = 10\n", "keep-warm = 9999\n", "'keep-warm' = 10\n"])
def test_names_with_dashes_are_changed_as_others_are(before: str, config: Path) -> None:
    written(config, before)
    changed({"keep_warm": "5"})
    assert config.read_text() == before.replace("10", '"5"').replace("9999", '"5"')
    assert settings.value("keep_warm") == "5"

    changed({"keep_warm": None})
    assert config.read_text() == ""


def test_a_process_goes_by_what_it_has_read_first(config: Path) -> None:
    written(config, 'device = "cpu"\n')
    assert settings.value("device") == "cpu"
    config.write_text('device = "mps"\nprecision = "fp99"\n')

    file.change({"theme": "nord"})
    assert (settings.value("device"), settings.value("precision")) == ("cpu", "auto")
    assert 'theme = "nord"' in config.read_text()


def test_nothing_is_lost_where_several_change_it_at_once(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST_WAIT_S", 60.0)
    said = {"device": "cpu", "precision": "bf16", "theme": "nord", "graphics": "blocks", "keep_warm": "5"}
    with ThreadPoolExecutor(len(said)) as threads:
        list(threads.map(lambda one: file.change({one: said[one]}), said))

    file.forget()
    assert said == {name: settings.value(name) for name in said}


def test_a_lock_that_is_held_for_long_keeps_nobody(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST_WAIT_S", 0.1)
    with locked(config.with_name("config.lock"), lambda: False):
        changed({"device": "cpu"})

    assert settings.value("device") == "cpu"


def test_what_cannot_be_changed_by_the_line_is_left_alone(config: Path) -> None:
    text = 'device = """\ncpu"""\n'
    written(config, text)

    with pytest.raises(StoreInvalid, match="where zoo cannot change it"):
        file.change({"device": "cuda"})
    assert config.read_text() == text


def test_a_bad_line_can_be_mended_by_a_command(config: Path) -> None:
    written(config, 'precision = "fp99"\n')

    changed({"precision": None})
    assert settings.value("precision") == "auto"


def test_a_link_stays_one(config: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("")
    config.symlink_to(kept)

    changed({"device": "cpu"})
    assert config.is_symlink()
    assert 'device = "cpu"' in kept.read_text()


def test_values_are_written_so_that_they_are_read_again(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'a "folder" \\ Ü'
    changed({"home": str(folder)})

    assert settings.resolve("home").others[0][0] == str(folder)


def test_the_folder_of_the_file_is_that_of_zoo_and_of_its_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file.forget()
    changed({"home": str(tmp_path / "big-disk")})

    assert home() == tmp_path / "big-disk"
    assert cache_folder() == tmp_path / "big-disk" / "cache"
    assert environment()["ZOO_HOME"] == str(tmp_path / "big-disk")


def test_a_folder_in_the_file_is_seen_from_there(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(config, 'home = "below"\n')

    assert settings.resolve("home").others[0][0] == str(config.parent / "below")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_default_is_a_value_of_its_own(name: str) -> None:
    default = SETTINGS[name].default

    assert default == "" or SETTINGS[name].fault(default) == ""


@pytest.mark.parametrize("text", ["auto", "cpu", "cuda", "cuda:3", "xpu:0", "mps", "gpu", "cuda:01", "cuda:", ""])
def test_a_device_is_what_jobs_take(text: str) -> None:
    fits = SETTINGS["device"].fault(text) == ""
    try:
        choose(text, devices=())
    except OptionInvalid:
        assert not fits
    except (DeviceUnavailable, ValueError):
        assert fits
    else:
        assert fits
