"""Whoever breaks the contract is named, with what was expected; and nobody blames zoo."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zoo
from tests import trainable_plugin
from tests.echo_runs import wait_quietly
from tests.plugin_site import new_site
from tests.plugin_site import zoo as command
from zoo.cli.exit_codes import ExitCode
from zoo.runs.events import RunFailed

pytestmark = pytest.mark.slow

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a plugin some parts of which are replaced."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield lambda **parts: site.install("toy", trainable_plugin.source(**parts))


def trained(rows: Path, **arguments: object) -> zoo.Run:
    return wait_quietly(zoo.finetune("toy", rows, name="mine", device="cpu", precision="fp32", **arguments))


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ("[answer(text) for text in inputs[1:]]", "plugin toy gave 1 answer to 2 inputs"),
        ("[text for text in inputs]", "plugin toy answered with a str"),
        ("None", "plugin toy gave None from predict(inputs)"),
        ("raise_(LookupError('odd\\x1b[2J'))", "plugin toy fails to answer with mine: LookupError: odd"),
    ],
)
def test_a_predictor_that_breaks_the_contract_is_named(
    answers: str, fault: str, install: Install, rows: Path, tmp_path: Path
) -> None:
    install(answers=answers)
    assert trained(rows).status == "finished"

    typed = command("predict", "mine", "good", "bad")
    judged = command("evaluate", "mine", "--data", str(rows))
    written = command("predict", "mine", "--file", str(rows), "--out", str(tmp_path / "out.jsonl"))

    message = next(line for line in typed.stderr.splitlines() if line.startswith("error: "))
    assert (typed.returncode, message) == (ExitCode.PLUGIN, f"error: {fault}")
    for done in (judged, written):
        assert done.returncode == ExitCode.PLUGIN, done.stderr
        assert fault.partition(" gave")[0].partition(" with")[0] in done.stderr


def test_a_command_that_could_answer_nothing_does_not_succeed(install: Install, rows: Path, tmp_path: Path) -> None:
    install(answers="[zoo.Rejected('too odd') for text in inputs]")
    trained(rows)
    out = tmp_path / "out.csv"

    typed = command("predict", "mine", "good", "bad")
    streamed = command("predict", "mine", "--file", str(rows), "--out", "-")
    written = command("predict", "mine", "--file", str(rows), "--out", str(out))
    judged = command("evaluate", "mine", "--data", str(rows))
    silent = command("predict", "mine")

    assert {done.returncode for done in (typed, streamed, written, judged, silent)} == {ExitCode.DATA}
    assert "  rejected: too odd" in typed.stdout
    assert "all 2 inputs had to be rejected" in typed.stderr
    assert len(streamed.stdout.splitlines()) == 40
    assert f"all 40 rows had to be rejected\nhint: {out} has the reasons" in written.stderr
    assert "none of its 40 rows could be answered, the first for this reason: too odd" in judged.stderr
    assert "no input came on stdin" in silent.stderr


def test_loading_that_fails_is_the_plugins(install: Install, rows: Path) -> None:
    install(load="raise KeyError('weights')")
    trained(rows)

    with pytest.raises(zoo.PluginBroken, match="plugin toy fails to load mine: KeyError: 'weights'") as caught:
        zoo.load("mine")
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_hook_that_builds_nothing_ends_the_run_with_its_name(install: Install, rows: Path) -> None:
    install(build="return None")
    last = trained(rows).events()[-1]

    assert isinstance(last, RunFailed)
    assert last.message == "the hook finetune of plugin toy gave None, which has no method fit(run)"


def test_an_error_without_readable_words_ends_the_run_all_the_same(install: Install, rows: Path) -> None:
    mute = "class Mute(Exception):\n        def __str__(self):\n            return 1 / 0\n    raise Mute\n"
    install(build=mute)
    run = trained(rows)
    last = run.events()[-1]

    assert isinstance(last, RunFailed)
    assert last.message == "Mute: its message cannot be read (ZeroDivisionError)"
    assert "raise Mute" in run.logs()


def test_a_loop_sets_rows_aside_by_file_row_and_reason(install: Install, rows: Path) -> None:
    aside = "run.set_aside([(run.train[0], 'it is\\x1b[2J odd')])"
    install(first=aside)
    run = trained(rows, eval_share=0.0)

    (line,) = run.folder.quarantine_path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"file": str(rows), "row": 1, "reason": "it is odd"}


def test_rows_of_the_evaluation_file_are_set_aside_by_its_name(install: Install, rows: Path, tmp_path: Path) -> None:
    aside = "run.set_aside([(run.eval[1], 'odd')])"
    install(first=aside)
    held_out = tmp_path / "held-out.csv"
    held_out.write_text(rows.read_text())
    run = trained(rows, eval_data=held_out)

    (line,) = run.folder.quarantine_path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"file": str(held_out), "row": 2, "reason": "odd"}


def test_rows_that_are_set_aside_are_no_longer_counted_where_they_were(install: Install, rows: Path) -> None:
    """Read, trained on, held out and rejected add up, in every view."""
    aside = "run.set_aside([(e, 'odd') for e in (*run.train[:2], run.eval[0])])"
    install(first=aside)
    run = trained(rows)

    s = run.snapshot
    assert (40, 34, 3, 3) == (s.train_rows + s.eval_rows + s.rejected_rows, s.train_rows, s.eval_rows, s.rejected_rows)
    readme = (run.folder.model_folder / "README.md").read_text(encoding="utf-8")
    assert "| training rows | 34 |\n| evaluation rows | 3 |" in readme
    history = command("logs", "mine").stdout
    assert "data: 36 rows to train on, 4 held out" in history
    assert "3 rows rejected (34 left to train on, 3 held out), first" in history


def test_rows_that_an_evaluation_cannot_answer_are_rejected_with_their_reason(install: Install, rows: Path) -> None:
    install(answers="[zoo.Rejected('odd') if text == 'good fine 3' else answer(text) for text in inputs]")
    trained(rows)
    run = zoo.evaluate("mine", rows, device="cpu", precision="fp32").wait(progress=False)

    s = run.snapshot
    assert (39, 1, {"accuracy", "macro_f1", "ece"}) == (s.eval_rows, s.rejected_rows, set(s.metrics))
    assert [39] == [sum(map(sum, block.counts)) for block in run.report if isinstance(block, zoo.Matrix)]
    (line,) = run.folder.quarantine_path.read_text(encoding="utf-8").splitlines()
    assert {"file": str(rows), "row": 7, "reason": "odd"} == json.loads(line)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_the_umask_decides_who_may_read_a_result(install: Install, rows: Path) -> None:
    write = "(run.model_folder / 'model.txt').write_text('trained')"
    install(write=f"{write}\n        (run.model_folder / 'model.txt').chmod(0o600)")
    before = os.umask(0o027)
    try:
        folder = trained(rows).folder.model_folder
    finally:
        os.umask(before)

    assert {0o640} == {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.name != "zoo.json"}


def test_a_hook_may_have_another_name_than_its_function(install: Install, rows: Path) -> None:
    renamed = "@zoo.hookimpl(specname='predict')\ndef answering(run):"
    install(predict_hook=f"def predict(texts):\n    return texts\n\n\n{renamed}")
    trained(rows)

    assert isinstance(zoo.load("mine").predict("good"), zoo.Classification)


def test_too_much_set_aside_ends_the_run(install: Install, rows: Path) -> None:
    aside = "run.set_aside([(one, 'odd') for one in run.train])"
    install(first=aside)
    last = trained(rows, eval_share=0.0).events()[-1]

    assert isinstance(last, RunFailed)
    assert last.kind == "DatasetInvalid"
