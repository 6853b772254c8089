"""Where nothing can be written is told before anything is begun, with advice that fits the system's error."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.disk import cause_of, check_takes_files
from zoo.errors import OptionInvalid

NO_FILES = Path("/proc/sys")
"""On Linux a folder that not even root can put a file into."""
takes_none = pytest.mark.skipif(not NO_FILES.is_dir(), reason="there is no folder that not even root may write to")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOENT, "look whether its folder is there"),
        (errno.ENAMETOOLONG, "a shorter name"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EBUSY, "close what uses its files"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_advice_fits_the_error(code: int, advice: str, tmp_path: Path) -> None:
    cause = cause_of(OSError(code, os.strerror(code)), tmp_path / "file")

    assert cause.reason == f"{tmp_path / 'file'}: {os.strerror(code)}"
    assert advice in cause.hint


def test_nothing_is_advised_where_nothing_is_known(tmp_path: Path) -> None:
    assert not cause_of(OSError(errno.EINVAL, "Invalid argument"), tmp_path).hint


def test_a_folder_that_takes_files_has_none_more_afterwards(tmp_path: Path) -> None:
    check_takes_files(tmp_path, "")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OptionInvalid, match=r"there is no folder .*nowhere"):
        check_takes_files(tmp_path / "nowhere", "choose another")


@takes_none
@pytest.mark.parametrize(
    "command",
    [
        "evaluate {words} --data {rows} --errors /proc/sys/wrong.csv",
        "predict {words} --file {rows} --out /proc/sys/answers.csv",
        "compare {words} {words} --data {rows} --differences /proc/sys/differ.csv",
        "report {words} --html /proc/sys/page.html",
        "report {words} --png /proc/sys/curves.png",
        "export {words} /proc/sys/folder",
        "export {words} --bundle /proc/sys/bundle.zip",
    ],
)
def test_an_output_where_nothing_can_be_written_is_refused_before_there_is_a_run(
    command: str, words: str, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([part.format(words=words, rows=rows) for part in command.split()]) == ExitCode.USAGE

    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: the folder /proc/sys takes no files: ")
    assert hint.startswith("hint: choose another")
    assert [run.name for run in zoo.list_runs()] == [words]
