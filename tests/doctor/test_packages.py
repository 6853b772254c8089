"""Packages that are missing, out of range, or there twice; they are written to disk as an installer leaves them."""

from __future__ import annotations

from pathlib import Path

from tests.doctor.findings import bad, found
from tests.plugin_site import Site, card, plugin
from zoo.doctor.packages import install_command


def needs(site: Site, distribution: str, *requirements: str) -> None:
    """Let a distribution of the site need something."""
    (metadata,) = site.path.glob(f"{distribution}-*.dist-info/METADATA")
    metadata.write_text(metadata.read_text() + "".join(f"Requires-Dist: {one}\n" for one in requirements))


def another(site: Path, name: str, version: str) -> None:
    """Install a distribution that has nothing in it."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_this_environment_has_all_that_it_needs() -> None:
    assert [] == [one for one in found("packages") if one.mark == "fault"]
    assert {"requirements", "extras"} <= {one.about for one in found("packages")}


def test_what_a_plugin_needs_and_is_not_there_is_a_fault_with_the_command_that_installs_it(site: Site) -> None:
    site.install("toy", plugin(card()))
    needs(site, "zoo_toy", "no-such-package>=2,<3", "numpy; python_version < '3'", "absent; extra == 'more'")

    (missing,) = bad("packages")
    assert (missing.mark, missing.about) == ("fault", "no-such-package")
    assert missing.evidence == "zoo-toy needs no-such-package<3,>=2, and it is not installed"
    assert missing.mend == install_command("no-such-package<3,>=2")


def test_a_version_out_of_range_is_found_however_indirectly_it_is_needed(site: Site) -> None:
    site.install("toy", plugin(card()))
    another(site.path, "between", "1.0")
    another(site.path, "far", "1.9")
    needs(site, "zoo_toy", "between[deep]")
    needs(site, "between", "far>=2; extra == 'deep'")

    (wrong,) = bad("packages")
    assert wrong.evidence == "between[deep] needs far>=2, and 1.9 is installed"


def test_two_versions_in_one_folder_are_told(site: Site) -> None:
    another(site.path, "torn", "1.0")
    another(site.path, "torn", "1.1")

    (twice,) = bad("packages")
    assert (twice.mark, twice.about) == ("warning", "torn")
    assert twice.evidence == f"1.0 and 1.1 are both installed in {site.path}"
    assert twice.mend.endswith("--force-reinstall")


def test_a_requirement_that_cannot_be_read_hinders_nothing(site: Site) -> None:
    site.install("toy", plugin(card()))
    needs(site, "zoo_toy", "what is this", "numpy >=", "", "no-such-package")

    assert ["no-such-package"] == [one.about for one in bad("packages")]
