"""Options that do not apply are not offered; who names one is told why, and what would be."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

pytestmark = pytest.mark.usefixtures("echo")
ALONE = "--best-by says how several sources are mixed, and there is one"


@pytest.mark.parametrize("source", ["--data {rows}", "--source one={rows}"])
def test_what_mixes_sources_is_of_several(rows: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = f"finetune echo {source} --best-by one".format(rows=rows)
    assert main(command.split()) == ExitCode.USAGE
    assert capsys.readouterr().err == f"error: {ALONE}\nhint: name each: --source NAME=DATA\n"


def test_it_is_so_from_python(rows: Path) -> None:
    with pytest.raises(zoo.OptionInvalid, match=ALONE):
        zoo.finetune("echo", rows, best_by="one")


def test_a_help_does_not_offer_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["finetune", "echo", "--help-all"])
    assert "--best-by" not in capsys.readouterr().out


def test_a_server_of_sites_offers_nothing_that_it_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["federate", "serve", "--help-all"])
    text = capsys.readouterr().out
    assert "--rounds" in text
    assert not [flag for flag in ("--private", "--unit", "--baseline", "--epochs", "--max-steps") if f"{flag} " in text]
