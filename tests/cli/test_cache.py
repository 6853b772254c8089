"""`zoo cache`, as typed: what is here is told, damaged files are found, and only what is meant is deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from tests.echo_plugin import MODULE, SOURCE
from tests.echo_runs import until
from tests.hub_server import HubServer, hub_server
from tests.plugin_site import Site, card, new_site, plugin
from tests.weights_factory import REPOSITORY, hub_source, sha256, some_bytes, url_source, weights, write_files
from zoo.card import HubSource, PackageSource, TorchHubSource, Weights, WeightsFile
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch, locate
from zoo.fetch.places import hub_cache, torch_checkpoints, url_cache

NAME = "model.safetensors"
CONTENT = some_bytes(300_000)
OTHER = some_bytes(300_000, seed=1)
LATER = HubSource(repository=REPOSITORY, revision="f" * 40)
IMPORTS = "from zoo import FolderSource, HubSource, TorchHubSource, UrlSource, Weights, WeightsFile"
DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        server.serve_hub(REPOSITORY, NAME, CONTENT)
        server.serve_hub(REPOSITORY, "config.json", b"{}", large=False)
        server.serve("/web/net.pth", OTHER)
        yield server


@pytest.fixture
def on_hub() -> Weights:
    return Weights(
        files=(*weights({NAME: CONTENT}).files, WeightsFile(name="config.json")),
        sources=(hub_source(),),
    )


@pytest.fixture
def at_torch(hub: HubServer) -> Weights:
    return weights({"net.pth": OTHER}, TorchHubSource(base_url=f"{hub.address}/web"))


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_hub: Weights, at_torch: Weights) -> Iterator[Site]:
    """Two models with weights, and one that shares those of the first at another commit."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        later = weights({NAME: CONTENT}, LATER)
        cards = [card(name, weights=repr(w)) for name, w in (("toy", on_hub), ("net", at_torch), ("later", later))]
        site.install("toys", plugin(*cards, more=IMPORTS))
        yield site


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.OK) -> str:
    capsys.readouterr()
    assert main(["cache", *words]) == code
    return capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    found = json.loads(answer(capsys, "ls", "--json", *words))
    assert isinstance(found, list)
    return found


def names(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    return [one["name"] for one in listed(capsys, *words)]


def used_days_ago(store: Path, days: float) -> None:
    """Let every note of last use be as old."""
    for path in (store / "cache" / "uses").glob("*.json"):
        note = json.loads(path.read_bytes())
        path.write_text(json.dumps({**note, "used_at": time.time() - days * DAY_S}))


def unfinished(store: Path, hub: HubServer, wanted: Weights) -> Path:
    """A download that was killed on its way."""
    served = next(file for path, file in hub.files.items() if path.startswith("/store/"))
    served.stall_after = 100_000
    program = "import sys, msgspec\nfrom zoo.card import Weights\nfrom zoo.fetch import fetch\n"
    program += "fetch(msgspec.json.decode(sys.argv[1], type=Weights))"
    process = subprocess.Popen([sys.executable, "-c", program, msgspec.json.encode(wanted).decode()])
    until(lambda: sum(path.stat().st_size for path in hub_cache().rglob("*.partial")) == 100_000)
    process.kill()
    process.wait()
    served.stall_after = None
    (partial,) = hub_cache().rglob("*.partial")
    return partial


class TestLs:
    def test_nothing_here_is_said_on_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["cache", "ls"]) == ExitCode.OK
        assert capsys.readouterr() == ("", "no weights are on this machine\n")

    def test_sets_are_a_table_of_sizes_models_and_last_use(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights
    ) -> None:
        folder = fetch(on_hub)

        header, row = answer(capsys, "ls").splitlines()
        assert header.split() == ["NAME", "SIZE", "FILES", "LAST", "USE", "STATE", "FOLDER"]
        assert row.split()[:5] == ["toy", "300.0", "kB", "2", "0s"]
        assert row.split()[-1] == str(folder)

    def test_last_use_is_that_of_the_last_fetch_though_all_was_here(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, at_torch: Weights, store: Path
    ) -> None:
        fetch(on_hub)
        fetch(at_torch)
        used_days_ago(store, 40)
        fetch(on_hub)

        assert names(capsys, "--sort", "used") == ["net", "toy"]
        net, toy = listed(capsys, "--sort", "used")
        assert time.time() - net["used_at"] > 39 * DAY_S
        assert time.time() - toy["used_at"] < 60

    def test_listing_is_no_use(self, capsys: pytest.CaptureFixture[str], on_hub: Weights, store: Path) -> None:
        fetch(on_hub)
        used_days_ago(store, 40)
        main(["ls", "--local"])

        assert time.time() - listed(capsys)[0]["used_at"] > 39 * DAY_S

    def test_without_a_note_the_newest_file_tells(self, capsys: pytest.CaptureFixture[str], at_torch: Weights) -> None:
        write_files(torch_checkpoints(), {"net.pth": OTHER})
        os.utime(torch_checkpoints() / "net.pth", (1_000_000.0, 1_000_000.0))

        assert [(one["name"], one["used_at"]) for one in listed(capsys)] == [("net", 1_000_000.0)]

    def test_what_no_model_names_any_more_is_told_by_where_it_came_from(
        self, capsys: pytest.CaptureFixture[str], hub: HubServer
    ) -> None:
        hub.serve("/web/a.bin", CONTENT)
        fetch(weights({"a.bin": CONTENT}, url_source(hub)))

        (one,) = listed(capsys)
        assert (one["name"], one["models"]) == (f"{hub.address}/web", [])

    def test_what_zoo_knows_nothing_of_is_not_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_files(torch_checkpoints(), {"other.pth": OTHER})
        write_files(hub_cache() / "models--a--b" / "snapshots" / ("e" * 40), {NAME: OTHER})

        assert listed(capsys) == []

    def test_an_unfinished_download_is_told(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, store: Path, hub: HubServer
    ) -> None:
        unfinished(store, hub, weights({NAME: CONTENT}, hub_source()))

        (one,) = listed(capsys)
        assert (one["name"], one["partial_bytes"], one["size_bytes"]) == ("toy", 100_000, 100_000)
        assert "unfinished, 100.0 kB" in answer(capsys, "ls")

    def test_an_unfinished_download_of_no_model_is_told(
        self, capsys: pytest.CaptureFixture[str], store: Path, hub: HubServer
    ) -> None:
        partial = unfinished(store, hub, weights({NAME: CONTENT}, hub_source()))
        partial.rename(partial.with_name("stranger.partial"))

        assert names(capsys) == ["toys/model@0123456789ab"]
        assert answer(capsys, "rm", "toys/model@0123456789ab", "-y") == "deleted 1 file, freed 100.0 kB\n"


class TestVerify:
    def test_whole_files_are_counted(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        fetch(on_hub)

        assert answer(capsys, "verify") == "2 files hashed, 0 damaged\n"

    @pytest.mark.parametrize("name", [NAME, "config.json"], ids=["pinned", "pinned by the commit only"])
    def test_bytes_that_rotted_are_found_though_size_and_time_are_the_same(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, name: str
    ) -> None:
        path = fetch(on_hub) / name
        stat, content = path.stat(), path.read_bytes()
        path.resolve().write_bytes(b"?" + content[1:])
        os.utime(path.resolve(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
        capsys.readouterr()

        for _ in range(2):
            assert main(["cache", "verify", "toy"]) == ExitCode.STORE == 6
            out, err = capsys.readouterr()
            assert out == "2 files hashed, 1 damaged\n"
            found, wanted = sha256(b"?" + content[1:]), sha256(content)
            assert f"warning: toy: {path} has sha256 {found}, not {wanted}" in err.splitlines()
        if name == NAME:
            assert locate(on_hub) is None

    def test_a_damaged_file_is_deleted_when_asked_and_fetched_again(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, hub: HubServer
    ) -> None:
        folder = fetch(on_hub)
        (folder / NAME).resolve().write_bytes(OTHER)
        hub.requests.clear()

        answer(capsys, "verify", "--fix", code=ExitCode.STORE)

        assert not (folder / NAME).exists()
        assert (fetch(on_hub) / NAME).read_bytes() == CONTENT
        assert [request.path for request in hub.requests if "config" in request.path] == []
        assert answer(capsys, "verify") == "2 files hashed, 0 damaged\n"

    def test_a_file_cut_short_is_found(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        path = fetch(on_hub) / NAME
        path.resolve().write_bytes(CONTENT[:-1])

        verdicts = json.loads(answer(capsys, "verify", "--json", code=ExitCode.STORE))
        assert [(v["file"]["name"], v["problem"]) for v in verdicts] == [
            ("config.json", ""),
            (NAME, "has 299,999 bytes, not 300,000"),
        ]

    def test_only_the_named_ones_are_looked_at(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, at_torch: Weights
    ) -> None:
        (fetch(on_hub) / NAME).resolve().write_bytes(OTHER)
        fetch(at_torch)

        assert answer(capsys, "verify", "net") == "1 file hashed, 0 damaged\n"

    def test_a_file_nobody_vouches_for_is_said_to_be_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_files(hub_cache() / "models--toys--model" / "snapshots" / hub_source().revision, {"config.json": b"{}"})

        assert answer(capsys, "verify") == "1 file hashed, 0 damaged, 1 with nothing to compare with\n"


class TestRm:
    def test_files_are_deleted_and_freed_bytes_told(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        fetch(on_hub)

        assert answer(capsys, "rm", "toy", "-y") == "deleted 2 files, freed 300.0 kB\n"
        assert listed(capsys) == []
        assert not (hub_cache() / "models--toys--model").exists()

    def test_a_dry_run_deletes_nothing(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        folder = fetch(on_hub)

        assert answer(capsys, "rm", "toy", "--dry-run") == "would delete 2 files and free 300.0 kB\n"
        assert (folder / NAME).read_bytes() == CONTENT

    def test_nobody_to_ask_is_refused_with_a_hint(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        folder = fetch(on_hub)
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "cache", "rm", "toy"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == ExitCode.USAGE
        assert "hint: add -y" in done.stderr
        assert (folder / NAME).exists()

    @pytest.mark.parametrize(("typed", "stays"), [("y", False), ("", True), ("n", True)])
    def test_the_person_is_asked(
        self, on_hub: Weights, monkeypatch: pytest.MonkeyPatch, typed: str, stays: bool
    ) -> None:
        folder = fetch(on_hub)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda prompt: typed)

        assert main(["cache", "rm", "toy"]) == ExitCode.OK
        assert (folder / NAME).exists() is stays

    def test_a_blob_that_another_commit_needs_stays(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        fetch(on_hub)
        later = weights({NAME: CONTENT}, LATER)
        fetch(later)

        assert answer(capsys, "rm", "toy", "-y") == "deleted 2 files, freed 2 B\n"
        assert locate(later) is not None
        assert answer(capsys, "rm", "later", "-y") == "deleted 1 file, freed 300.0 kB\n"

    def test_a_blob_of_two_doomed_commits_is_counted_once(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights
    ) -> None:
        fetch(on_hub)
        fetch(weights({NAME: CONTENT}, LATER))

        assert answer(capsys, "rm", "toy", "later", "-y") == "deleted 3 files, freed 300.0 kB\n"
        assert not (hub_cache() / "models--toys--model").exists()

    def test_files_of_other_tools_stay(self, capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
        folder = fetch(on_hub)
        (folder / "pytorch_model.bin").write_bytes(OTHER)
        answer(capsys, "rm", "toy", "-y")

        assert [path.name for path in folder.iterdir()] == ["pytorch_model.bin"]

    def test_the_hubs_own_client_finds_nothing_wrong_with_what_is_left(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights
    ) -> None:
        from huggingface_hub import scan_cache_dir

        fetch(on_hub)
        fetch(weights({NAME: CONTENT}, LATER))
        refs = hub_cache() / "models--toys--model" / "refs"
        refs.mkdir()
        (refs / "main").write_text(hub_source().revision)
        answer(capsys, "rm", "toy", "-y")

        scan = scan_cache_dir(hub_cache())
        assert (len(scan.repos), scan.size_on_disk, scan.warnings) == (1, 300_000, [])

    def test_an_unknown_name_is_refused_with_the_nearest(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights
    ) -> None:
        fetch(on_hub)

        assert main(["cache", "rm", "tooy", "-y"]) == ExitCode.USAGE
        assert capsys.readouterr().err.splitlines() == [
            "error: no weights of 'tooy' are on this machine",
            "hint: did you mean toy?",
        ]

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows lets others not open a locked file")
    def test_what_is_being_fetched_stays(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, hub: HubServer
    ) -> None:
        served = next(file for path, file in hub.files.items() if path.startswith("/store/"))
        served.stall_after = 100_000
        process = subprocess.Popen([sys.executable, "-m", "zoo", "pull", "toy"], stderr=subprocess.DEVNULL)
        try:
            until(lambda: sum(path.stat().st_size for path in hub_cache().rglob("*.partial")) == 100_000)
            assert main(["cache", "rm", "toy", "-y"]) == ExitCode.USAGE
            assert "toy: being fetched right now" in capsys.readouterr().err
            assert answer(capsys, "prune", "--partial", "-y") == "nothing to delete, freed 0 B\n"
        finally:
            process.kill()
            process.wait()

        assert answer(capsys, "prune", "--partial", "-y") == "deleted 1 file, freed 100.0 kB\n"


class TestOfPackages:
    """Weights that came with an installed package: they are here, but not zoo's to delete."""

    @pytest.fixture(autouse=True)
    def package(self, tmp_path: Path, site: Site) -> Path:
        """A package with weights, and a model that has them from there or from the Hub."""
        folder = tmp_path / "site" / "toy_weights"
        write_files(folder, {NAME: CONTENT})
        information = tmp_path / "site" / "toy_weights-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
        source = PackageSource(distribution="toy-weights", folder="toy_weights")
        both = Weights(files=weights({NAME: CONTENT}).files, sources=(source, hub_source()))
        site.install("packed", plugin(card("packed", weights=repr(both)), more=f"{IMPORTS}, PackageSource"))
        return folder

    def test_they_are_listed_with_their_package(self, capsys: pytest.CaptureFixture[str], package: Path) -> None:
        capsys.readouterr()
        assert main(["cache", "ls"]) == ExitCode.OK
        out, err = capsys.readouterr()
        _, row = out.splitlines()
        assert "in the package toy-weights" in row
        assert (row.split()[0], row.split()[-1]) == ("packed", str(package))
        assert err == "0 B in the cache, and 300.0 kB that zoo cache cannot delete\n"
        assert listed(capsys)[0]["part_of"] == "the package toy-weights"

    def test_they_are_verified(self, capsys: pytest.CaptureFixture[str], package: Path) -> None:
        assert answer(capsys, "verify", "packed") == "1 file hashed, 0 damaged\n"
        (package / NAME).write_bytes(OTHER)
        assert main(["cache", "verify", "packed", "--fix"]) == ExitCode.STORE
        err = capsys.readouterr().err
        assert "(install the package toy-weights again)" in err
        assert "stays: it is in the package toy-weights" in err
        assert (package / NAME).exists()

    def test_they_are_not_deleted(self, capsys: pytest.CaptureFixture[str], package: Path) -> None:
        assert main(["cache", "rm", "packed", "-y"]) == ExitCode.USAGE
        assert capsys.readouterr().err.splitlines() == [
            "error: packed is not zoo's to delete: it is in the package toy-weights",
            "hint: pip uninstall toy-weights",
        ]
        assert answer(capsys, "prune", "--older-than", "0d", "-y") == "nothing to delete, freed 0 B\n"
        assert (package / NAME).exists()

    def test_a_copy_in_the_cache_can_be_deleted(self, capsys: pytest.CaptureFixture[str], package: Path) -> None:
        fetch(weights({NAME: CONTENT}, hub_source()))

        assert answer(capsys, "rm", "packed", "-y") == "deleted 1 file, freed 300.0 kB\n"
        assert (package / NAME).exists()

    def test_a_run_is_told_from_weights(self, capsys: pytest.CaptureFixture[str], store: Path) -> None:
        folder = store / "runs" / "mine"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")

        assert main(["cache", "rm", "mine", "-y"]) == ExitCode.USAGE
        assert "hint: mine is a run: zoo rm mine" in capsys.readouterr().err


class TestRunningJobs:
    @pytest.fixture
    def run(self, site: Site, on_hub: Weights, tmp_path: Path, store: Path) -> Iterator[zoo.Run]:
        """A slow run of a model whose weights are on the Hub."""
        source = SOURCE.replace("parameters=0,", f"parameters=0, weights={on_hub!r},", 1)
        site.install("echo", source.replace("import zoo\n", f"import zoo\n{IMPORTS}\n", 1), module=MODULE)
        rows = tmp_path / "rows.csv"
        rows.write_text("text,label\n" + "\n".join(f"good {i},yes\nbad {i},no" for i in range(20)) + "\n")
        run = zoo.finetune("echo", rows, device="cpu", precision="fp32", pause_ms=300)
        until(lambda: run.status == "running" and locate(on_hub) is not None)
        yield run
        run.stop()

    def test_what_a_running_job_uses_stays(
        self, capsys: pytest.CaptureFixture[str], run: zoo.Run, on_hub: Weights, store: Path
    ) -> None:
        used_days_ago(store, 40)

        assert main(["cache", "rm", "echo", "-y"]) == ExitCode.USAGE
        assert f"in use by {run.name}" in capsys.readouterr().err
        assert answer(capsys, "prune", "--older-than", "30d", "-y") == "nothing to delete, freed 0 B\n"
        assert f"in use by {run.name}" in answer(capsys, "ls")
        assert locate(on_hub) is not None

        run.stop()
        used_days_ago(store, 40)
        assert answer(capsys, "prune", "--older-than", "30d", "-y") == "deleted 2 files, freed 300.0 kB\n"

    def test_a_job_of_which_nobody_can_tell_what_it_uses_protects_all(
        self, capsys: pytest.CaptureFixture[str], run: zoo.Run, at_torch: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetch(at_torch)
        monkeypatch.setenv("ZOO_PLUGINS", "toys")

        assert main(["cache", "rm", "net", "-y"]) == ExitCode.USAGE
        assert f"in use by {run.name}" in capsys.readouterr().err


class TestPrune:
    def test_only_what_was_not_used_for_long_is_deleted(
        self, capsys: pytest.CaptureFixture[str], on_hub: Weights, at_torch: Weights, store: Path
    ) -> None:
        fetch(on_hub)
        used_days_ago(store, 31)
        fetch(at_torch)

        assert answer(capsys, "prune", "--older-than", "5w", "-y") == "nothing to delete, freed 0 B\n"
        assert answer(capsys, "prune", "--older-than", "30d", "--dry-run") == "would delete 2 files and free 300.0 kB\n"
        assert answer(capsys, "prune", "--older-than", "30d", "-y") == "deleted 2 files, freed 300.0 kB\n"
        assert names(capsys) == ["net"]

    def test_unfinished_downloads_only(
        self, capsys: pytest.CaptureFixture[str], at_torch: Weights, store: Path, hub: HubServer
    ) -> None:
        fetch(at_torch)
        partial = unfinished(store, hub, weights({NAME: CONTENT}, hub_source()))

        assert answer(capsys, "prune", "--partial", "--older-than", "1d", "-y") == "nothing to delete, freed 0 B\n"
        os.utime(partial, (0, 0))
        assert answer(capsys, "prune", "--partial", "--older-than", "1d", "-y") == "deleted 1 file, freed 100.0 kB\n"
        assert names(capsys) == ["net"]
        assert not (hub_cache() / "models--toys--model").exists()

    def test_zoos_own_folders_go_with_their_files(self, capsys: pytest.CaptureFixture[str], hub: HubServer) -> None:
        hub.serve("/web/a/b.bin", CONTENT)
        fetch(weights({"a/b.bin": CONTENT}, url_source(hub)))

        answer(capsys, "prune", "--older-than", "0d", "-y")

        assert list(url_cache().iterdir()) == []

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ([], "nothing says what to delete"),
            (["--older-than", "soon"], "'soon' is no age; give one such as 30d, 2w or 12h"),
            (["--json"], "there is no option '--json'"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(
        self, capsys: pytest.CaptureFixture[str], words: list[str], error: str
    ) -> None:
        assert main(["cache", "prune", *words]) == ExitCode.USAGE
        assert error in capsys.readouterr().err
