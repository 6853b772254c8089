"""`zoo data inspect --model` shows what a model that writes would learn of a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugin_site import Site
from tests.plugin_site import zoo as command
from tests.tiny_causal_plugin import install_tiny
from zoo.cli.exit_codes import ExitCode

pytestmark = pytest.mark.slow
CHAT = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "me"}]


@pytest.mark.parametrize(
    ("model", "row", "shown"),
    [
        ("tiny", {"prompt": "Who?", "completion": " me"}, "Who?[ me<|end|>](learnt)\n  4 tokens of 8 are learnt\n"),
        ("tiny", {"text": "all of\nit"}, "[all of it<|end|>](learnt)\n  10 tokens of 10 are learnt\n"),
        ("tiny-chat", {"messages": CHAT}, "<|user|>Who?<|end|><|assistant|>[me<|end|>](learnt)\n"),
    ],
)
def test_the_first_row_is_shown_with_what_is_learnt(
    model: str, row: dict[str, object], shown: str, site: Site, tmp_path: Path
) -> None:
    install_tiny(site)
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps(row) + "\n")
    done = command("data", "inspect", str(data), "--model", model)

    assert done.returncode == ExitCode.OK, done.stderr
    assert f"\nRow 1 as it is learnt\n{shown}" in done.stdout
    assert "as it is learnt" not in command("data", "inspect", str(data)).stdout


def test_what_the_model_cannot_learn_is_told(site: Site, tmp_path: Path) -> None:
    install_tiny(site)
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps({"messages": CHAT}) + "\n")
    done = command("data", "inspect", str(data), "--model", "tiny")

    assert done.returncode == ExitCode.USAGE
    assert "tiny has no chat template, so it cannot read messages" in done.stderr
