"""What a training leaves behind: files where they belong, and a result that can be read without running anything."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import zoo
from zoo.paths import plugin_cache_folder
from zoo.testing.subject import Subject, Workplace

PICKLE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".dill"}
_PICKLED = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
"""How a pickle of any protocol but the oldest two begins."""


class Leaving(Subject):
    """The files of the training run."""

    def test_files_are_written_where_they_belong(self, trained_run: zoo.Run, workplace: Workplace) -> None:
        folder = trained_run.folder
        allowed = [folder.model_folder, folder.checkpoints_folder, folder.path / "scratch"]
        allowed += [plugin_cache_folder(self.plugin), workplace.temporary, Path("/dev")]
        if sys.pycache_prefix:  # where Python keeps what it compiles, in place of folders called __pycache__
            allowed.append(Path(sys.pycache_prefix))
        elsewhere = [
            path
            for path in written_paths(workplace.notes / folder.name)
            if not any(_is_about(path, place) for place in allowed)
        ]
        elsewhere += sorted(workplace.here.iterdir())  # native code writes unseen, and most often where one is

        assert not elsewhere, (
            f"training wrote {', '.join(map(str, dict.fromkeys(elsewhere)))}; "
            "what it may write to is run.model_folder, run.checkpoints_folder, run.scratch_folder and run.cache_folder"
        )

    def test_the_result_holds_no_pickle(self, trained_run: zoo.Run) -> None:
        folder = trained_run.folder.model_folder
        pickles = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if is_pickle(path)]

        assert not pickles, (
            f"the result holds {', '.join(pickles)}: reading a pickle runs what it says; "
            "write numbers as safetensors (or JSON, or .npy without objects)"
        )


def written_paths(notes: Path) -> list[Path]:
    """Paths that code of the plugin wrote to, each once; what Python itself compiles is not its doing."""
    lines = dict.fromkeys(notes.read_bytes().splitlines()) if notes.exists() else {}
    paths = [Path(os.fsdecode(line)) for line in lines]
    return [path for path in paths if "__pycache__" not in path.parts]


def is_pickle(path: Path) -> bool:
    """Whether a file is a pickle, holds one (as `torch.save` and `numpy.savez` do), or is named like one."""
    if not path.is_file():
        return False
    if PICKLE_SUFFIXES & set(path.suffixes):
        return True
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") or _begins_pickled(_start(archive, name)) for name in archive.namelist())
    with path.open("rb") as file:
        return _begins_pickled(file.read(256))


def _start(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(256)


def _begins_pickled(start: bytes) -> bool:
    objects_of_numpy = start.startswith(b"\x93NUMPY") and b"'|O'" in start
    return start.startswith(_PICKLED) or objects_of_numpy


def _is_about(path: Path, place: Path) -> bool:
    """Whether it is that place, is below it, or is a folder on the way there."""
    return path.is_relative_to(place) or place.is_relative_to(path)
