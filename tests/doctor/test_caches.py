"""Weights that are damaged or have not arrived to their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.findings import bad, found
from tests.plugin_site import Site, card, plugin
from tests.weights_factory import hub_source, some_bytes, weights
from zoo.fetch.places import partial_folder_of, partial_of, place_of
from zoo.fetch.verify import remember
from zoo.findings import ok

NAME, CONTENT = "model.safetensors", some_bytes(5_000)
IMPORTS = "from zoo import HubSource, Weights, WeightsFile"


@pytest.fixture
def cached(site: Site) -> Path:
    """The file of a model, where the Hub's own client would have put it."""
    of_model = weights({NAME: CONTENT}, hub_source())
    site.install("toys", plugin(card("toy", weights=repr(of_model)), more=IMPORTS))
    path = place_of(hub_source()) / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def test_whole_files_are_counted_and_what_was_hashed_of_them(cached: Path) -> None:
    mend = "zoo cache verify hashes all"
    assert [ok("weights", "1 set of weights, 5.0 kB in the caches; 0 of 1 file hashed", mend)] == found("weights")

    remember(cached, weights({NAME: CONTENT}).files[0].sha256 or "")
    assert found("weights")[-1].evidence.endswith("1 of 1 file hashed")


def test_a_file_that_was_cut_is_a_fault(cached: Path) -> None:
    cached.write_bytes(CONTENT[:100])

    (damaged,) = bad("weights")
    assert (damaged.mark, damaged.about) == ("fault", "toy")
    assert damaged.evidence == f"{cached} has 100 bytes, not 5,000"
    assert damaged.mend == "zoo cache verify toys/toy --fix, and it is fetched again when needed"


def test_a_file_that_is_known_to_be_another_one_is_a_fault(cached: Path) -> None:
    other = some_bytes(5_000, seed=1)
    cached.write_bytes(other)
    assert bad("weights") == []  # nothing is read in full

    remember(cached, weights({NAME: other}).files[0].sha256 or "")
    (damaged,) = bad("weights")
    assert "has sha256 " in damaged.evidence


def test_a_download_that_stopped_half_way_is_a_warning(cached: Path) -> None:
    cached.unlink()
    partial = partial_of(partial_folder_of(hub_source()), NAME)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:2_000])

    (stopped,) = bad("weights")
    assert (stopped.mark, stopped.about) == ("warning", "toy")
    assert stopped.evidence.startswith("a download has stopped after 2.0 kB, ")
    assert stopped.mend == "zoo pull toys/toy goes on; zoo cache prune --partial deletes it"
