"""`zoo show`, as typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import Site, card, new_site, plugin
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.encoding import encode_json
from zoo.runs.events import RunFailed, RunFinished
from zoo.runs.log import append
from zoo.runs.store import RunFolder

MINE = """
from typing import Annotated
class Mine(zoo.DataOptions, frozen=True, kw_only=True):
    depth: Annotated[int | None, zoo.option("How deep, in 100% of cases.", ge=1, unit="layers")] = None
"""
FULL = card(
    "full",
    summary="'a toy with everything'",
    abilities="{'finetune': zoo.Ability(task='text-classification', options=Mine)}",
    recommended_for="('text-classification',)",
    parameters="1_234_567",
    architecture="{'layers': 2, 'width': 128}",
    labels="('no', 'yes')",
    languages="('en',)",
    license="'Apache-2.0'",
    paper="'https://example.org/paper'",
    source_url="'https://example.org/model'",
    metrics="(zoo.PublishedMetric(name='accuracy', value=0.9, dataset='toys', source_url='https://example.org/t'),)",
    weights="zoo.Weights(files=(zoo.WeightsFile(name='w.bin', sha256='0' * 64, size_bytes=1_500_000),), sources=("
    "zoo.FolderSource(path='/nowhere'), zoo.UrlSource(base_url='https://example.org/files'),"
    "zoo.HubSource(repository='a/b', revision='1' * 40), zoo.PackageSource(distribution='not-there', folder='w'),"
    "zoo.WheelSource(distribution='some-weights', version='1.2', folder='w')))",
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("toy", plugin(FULL, card("bare", abilities="{}"), more=MINE))
        yield site


def test_everything_known_is_shown(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "full"]) == ExitCode.OK

    assert capsys.readouterr().out.splitlines() == [
        "full: a toy with everything",
        "",
        "  plugin       toy",
        "  tasks        text-classification (finetune)",
        "  recommended  for text-classification",
        "  parameters   1,234,567",
        "  takes        texts",
        "  memory       4.9 MB to predict, 19.8 MB and more to fine-tune",
        "  architecture layers 2, width 128",
        "  labels       no, yes",
        "  languages    en",
        "  licence      Apache-2.0",
        "  paper        https://example.org/paper",
        "  published at https://example.org/model",
        "  accuracy     0.9 on toys (https://example.org/t)",
        "  weights      1.5 MB, not on this machine yet: zoo pull fetches them",
        "  source       /nowhere",
        "  source       https://example.org/files",
        "  source       hub a/b at " + "1" * 40,
        "  source       package not-there",
        "  source       some-weights 1.2 from the package index",
        "    w.bin      sha256 " + "0" * 64,
        "",
        "finetune (text-classification)",
        "  --seed               Seed of everything random. (0 <= seed < 4294967296; default: 42)",
        "  --eval-share         Share of the rows held out for evaluation where no evaluation data is given. "
        "(0 <= eval_share <= 0.5; default: 0.1)",
        "  --max-rejected       The run fails when more than this share of the rows cannot be used. "
        "(0 <= max_rejected <= 1; default: 0.1)",
        "  --depth              How deep, in 100% of cases. (layers; 1 <= depth; default: auto)",
    ]


def test_an_option_of_several_abilities_is_shown_once(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    abilities = [("pretrain", "fill-mask", "Mine"), ("predict", "fill-mask", "Shown")]
    abilities += [("finetune", f"text-{name}", "Deep") for name in ("classification", "regression")]
    abilities += [("finetune", "text-multi-label-classification", "Deeper")]
    many = card(
        "many",
        abilities=f"({', '.join(f'zoo.Ability(verb={v!r}, task={t!r}, options={o})' for v, t, o in abilities)},)",
    )
    sets = """
class Deep(Mine):
    width: Annotated[int, zoo.option("How wide.", ge=1)] = 2
class Deeper(Deep):
    height: Annotated[int, zoo.option("How high.", ge=1)] = 2
class Shown(zoo.Options):
    depth: Annotated[int, zoo.option("How deep to look.", ge=1)] = 1
"""
    site.install("many", plugin(many, more=MINE + sets))

    assert main(["show", "many"]) == ExitCode.OK

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] or line.split()[0] for line in lines[lines.index("", 2) + 1 :] if line] == [
        "pretrain (fill-mask), finetune",
        "--seed",
        "--eval-share",
        "--max-rejected",
        "--depth",
        "predict (fill-mask)",
        "--depth",
        "finetune",
        "--width",
        "finetune (text-multi-label-classification)",
        "--height",
    ]


def test_what_is_not_known_is_left_out(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "toy/ba"]) == ExitCode.OK

    assert capsys.readouterr().out.splitlines() == [
        "bare: a toy",
        "",
        "  plugin       toy",
        "  takes        texts",
        "  weights      none: it starts from scratch, with random numbers",
    ]


def test_a_demonstration_is_said_to_be_one(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("trial", plugin(card("trial", demonstration="True")))

    assert main(["show", "trial"]) == ExitCode.OK

    assert "  mark         demonstration: made to try zoo out, not to be used" in capsys.readouterr().out.splitlines()


def test_a_result_has_its_report(echo: None, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store / "runs" / "reviews"
    shutil.copytree(Path(__file__).parent.parent / "runs" / "run_without_report", folder)
    worst = zoo.Spans(text="on the cat→bat", spans=(zoo.SpanMark(7, 14, "substitution"),), labelled=False)
    finished = RunFinished(metrics={"wer": 0.5}, report=(zoo.Paragraph(title="Most errors", text="said→heard"), worst))
    events = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join(events[:-1]) + encode_json(finished) + b"\n")

    assert main(["show", "reviews"]) == ExitCode.OK

    assert "\n\n  said→heard\n\non the [cat→bat]\n\nfinetune" in capsys.readouterr().out
    (folder / "events.jsonl").unlink()
    assert main(["show", "reviews"]) == ExitCode.OK
    assert "said→heard" not in capsys.readouterr().out


def test_json_is_one_document_with_the_options_described(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "full", "--json"]) == ExitCode.OK

    answer = json.loads(capsys.readouterr().out)
    assert (answer["name"], answer["plugin"], answer["architecture"]) == ("full", "toy", {"layers": 2, "width": 128})
    assert (answer["recommended_for"], answer["demonstration"]) == (["text-classification"], False)
    *_, depth = answer["abilities"][0]["options"]
    assert (depth["name"], depth["kind"], depth["ge"], depth["optional"]) == ("depth", "int", 1, True)
    assert [source["type"] for source in answer["weights"]["sources"]] == [
        "folder",
        "url",
        "hub",
        "package",
        "wheel",
    ]


def test_an_unknown_model_is_told_with_the_nearest(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "fulll"]) == ExitCode.USAGE
    assert tuple(capsys.readouterr()) == (
        "",
        "error: there is no model 'fulll'\nhint: did you mean full or toy/full?\n",
    )


def test_a_run_that_failed_is_told_by_its_whole_name_only(
    words: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(store / "runs" / "echo-gone-wrong")
    shutil.copytree(store / "runs" / "words", folder.path)
    shutil.rmtree(folder.model_folder)
    append(folder, RunFailed(kind="ValueError", message="no"))

    assert main(["show", "echo-gone-wrong"]) == ExitCode.USAGE
    assert "run echo-gone-wrong has failed and made no model: no" in capsys.readouterr().err
    assert main(["show", "echo-g"]) == ExitCode.USAGE
    assert "has failed" not in capsys.readouterr().err


def test_a_name_of_two_plugins_is_refused_naming_both(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("other", plugin(card("full")))

    assert main(["show", "full"]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: 'full' may be any of toy/full, other/full\n")
    assert main(["show", "other/full"]) == ExitCode.OK


def test_text_of_a_card_can_neither_act_nor_fake_a_line(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    evil = r"'\x1b[2J[red]a\n  licence      MIT\x07\u202e'"
    site.install("evil", plugin(card("evil", summary=evil, license=evil, labels=f"({evil},)", paper=evil)))

    assert main(["show", "evil"]) == ExitCode.OK

    out = capsys.readouterr().out
    assert not set(out) & set("\x1b\x07\u202e")
    assert out.splitlines()[0] == "evil: [red]a licence MIT"
    assert [line.split()[0] for line in out.splitlines()[2:9]] == [
        "plugin",
        "tasks",
        "takes",
        "labels",
        "licence",
        "paper",
        "weights",
    ]
    assert out.splitlines()[10] == "predict (text-classification)"
