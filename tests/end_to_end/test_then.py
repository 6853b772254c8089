"""A pretraining and what is learnt on its result, with torch: several processes, several sources, an added head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.end_to_end.test_sources import CPU, MODEL, sources
from zoo.cli import main

__all__ = ["sources"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FEW = ["--max-steps", "3", "--batch-size", "6", "--device", "cpu", "--precision", "fp32"]


def test_what_follows_is_what_would_have_been_done_by_hand(sources: dict[str, Any], tmp_path: Path) -> None:
    """Two processes do the first, whose worker is one of several; the second has heads, of which the third adds one."""
    plan = [
        f"finetune --source parity={sources['parity']} --source names={sources['names']} --processes 1 --max-steps 4 "
        "--max-tokens 16 --name joint",
        f"finetune --source more={sources['parity']} --processes 1 --method head --max-steps 2 --name more",
    ]
    flags = [word for text in plan for word in ("--then", text)]
    assert (
        main(["pretrain", MODEL, "--data", sources["texts"], "--name", "adapted", "--processes", "2", *FEW, *flags])
        == 0
    )

    run = zoo.open_run("more")
    assert [one.name for one in run.folder.request.kept] == ["parity", "names"]
    assert [one.data.path for one in run.folder.request.kept] == [sources["parity"], sources["names"]]
    pair = {name: sources[name] for name in ("parity", "names")}
    joint = zoo.finetune("adapted", sources=pair, name="two", max_steps=4, max_tokens=16, **CPU).wait(progress=False)
    more = zoo.finetune(joint, sources={"more": sources["parity"]}, name="three", method="head", max_steps=2, **CPU)
    more.wait(progress=False)
    for head in ("parity", "names", "more"):
        files = [one.folder.model_folder / "heads" / head / "head.safetensors" for one in (run, more)]
        assert files[0].read_bytes() == files[1].read_bytes()
