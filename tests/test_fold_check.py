"""What cannot be cross-validated is refused before there is a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import zoo
from zoo.errors import OptionInvalid

pytest.importorskip("zoo_resnet")


def test_data_that_hold_rows_out_have_no_folds(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for number in range(8):
            folder = tmp_path / part / "ab"[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), number + 100 * (part == "val")).save(folder / f"{number}.png")
    with pytest.raises(OptionInvalid, match="the data hold out rows of their own, in val"):
        zoo.finetune("resnet10-32px", tmp_path, folds=3, device="cpu", precision="fp32")
