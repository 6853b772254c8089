"""What SkyPilot is given, and what its answers mean; a stand-in for its command is on the PATH: no cloud is asked."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from tests.echo_runs import until
from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.options import parse
from zoo.places.place import PlacedJob
from zoo.places.sky import Sky, SkySettings, _cluster_name

FAKE = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$1" in
  logs|down) cat {folder}/words >&2; exit "$(cat {folder}/code)" ;;
esac
"""


class FakeSky:
    """The command `sky`, as the test has it answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = folder / "sky"
        command.write_text(FAKE.format(folder=folder))
        command.chmod(0o755)

    def answers(self, code: int, words: str = "") -> None:
        (self.folder / "code").write_text(str(code))
        (self.folder / "words").write_text(words)

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def sky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSky:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return FakeSky(folder)


@pytest.fixture
def job(tmp_path: Path) -> PlacedJob:
    folder = tmp_path / "run"
    folder.mkdir()
    return PlacedJob(
        name="Mood.v2",
        folder=str(folder),
        arguments=("-m", "zoo.runs.node_worker", str(folder)),
        environment={"ZOO_HOME": "/shared/zoo", "ZOO_ATTEMPT": "1"},
        log=str(folder / "log.txt"),
        nodes=2,
    )


def place(**settings: object) -> Sky:
    return Sky("cloud", parse(SkySettings, settings))


def test_a_task_says_what_each_node_starts_and_where_all_meet(job: PlacedJob, sky: FakeSky) -> None:
    said = {"folder": "/shared", "mount": "s3://bucket", "accelerators": "A100:8", "infra": "aws", "spot": True}

    cluster = place(**said, setup="pip install zoo-models", environment="/opt/venv").submit(job)

    path = Path(job.folder) / "sky.yaml"
    task = yaml.safe_load(path.read_text())
    assert cluster.startswith("zoo-mood-v2-")
    assert ("zoo-Mood.v2", 2) == (task["name"], task["num_nodes"])
    assert {"infra": "aws", "accelerators": "A100:8", "use_spot": True} == task["resources"]
    assert {"/shared": {"source": "s3://bucket", "mode": "MOUNT"}} == task["file_mounts"]
    assert "/shared/zoo" == task["envs"]["ZOO_HOME"]
    assert [
        'export ZOO_NODE="$SKYPILOT_NODE_RANK"',
        'export ZOO_NODE_MEETING="$(echo "$SKYPILOT_NODE_IPS" | head -n1)"',
        f"exec /opt/venv/bin/python -m zoo.runs.node_worker {job.folder} >> {job.log} 2>&1",
    ] == task["run"].splitlines()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    until(lambda: bool(sky.calls))
    assert [f"launch --yes --down --detach-run --cluster {cluster} {path}"] == sky.calls


def test_the_answers_of_sky_are_the_states_of_a_job(sky: FakeSky) -> None:
    gone = "Cluster zoo-x does not exist"
    phases = []
    for code, words in [(101, ""), (0, ""), (100, ""), (103, ""), (1, gone), (1, "no server")]:
        sky.answers(code, words)
        state = place().state("zoo-x")
        phases.append((state.phase, state.interrupted))

    running, done, lost, unknown = ("running", False), ("ended", False), ("ended", True), ("unknown", False)
    assert [running, done, done, lost, lost, unknown] == phases
    assert "logs zoo-x 1 --status" == sky.calls[0]


def test_runs_of_like_names_have_clusters_of_their_own(sky: FakeSky, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        _cluster_name(name)
        for name in ("bert-base-finetune-1-trial-1", "bert-base-finetune-1-trial-2", "a.b", "A-B", "é")
    ]
    assert 5 == len(set(names))
    assert all(re.fullmatch("zoo(-[a-z0-9]+)+", name) and len(name) <= 40 for name in names)

    sky.answers(1, f"Cluster {names[0]} does not exist")
    assert ("ended", True) == (place().state(names[0]).phase, place().state(names[0]).interrupted)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert "unknown" == place().state(names[0]).phase  # it may be made from here right now
    monkeypatch.setattr("time.time", lambda: 1e10)
    assert "ended" == place().state(names[0]).phase


def test_cancelling_takes_the_cluster_down(sky: FakeSky) -> None:
    sky.answers(0)
    place().cancel("zoo-x")
    assert ["down --yes zoo-x"] == sky.calls

    sky.answers(1, "Cluster zoo-x does not exist")
    place().cancel("zoo-x")
    sky.answers(1, "no credentials")
    with pytest.raises(RunFailed, match="no credentials"):
        place().cancel("zoo-x")


def test_without_sky_one_line_says_what_is_missing(job: PlacedJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unsupported, match="place cloud needs SkyPilot, and there is no sky here"):
        place().submit(job)

    assert ["fault"] == [finding.mark for finding in place().check()]


def test_what_is_to_be_begun_again_is_refused(job: PlacedJob, sky: FakeSky) -> None:
    with pytest.raises(Unsupported, match="which begins no run again, and --requeue asks for that"):
        place().submit(structs.replace(job, requeue=True))
    assert [] == sky.calls


def test_what_is_mounted_has_a_place() -> None:
    with pytest.raises(OptionInvalid, match="no folder says where"):
        place(mount="s3://bucket")
