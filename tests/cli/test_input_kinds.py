"""Data of another kind than the model takes: every verb says what it is, what the model takes, and which models fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import DatasetInvalid

pytest.importorskip("zoo_resnet")
pytest.importorskip("zoo_echo")
TEXTS, IMAGES = "echo", "resnet18"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of each kind of data, which is the current one."""
    for name in ("pets/cat/1.png", "pets/dog/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / name)
    (tmp_path / "pets.csv").write_text("file_name,label\npets/cat/1.png,cat\npets/dog/1.png,dog\n")
    (tmp_path / "texts.csv").write_text("Review,label\ngood film,pos\nbad film,neg\n")
    (tmp_path / "texts.txt").write_text("good film\nbad film\n")
    (tmp_path / "data" / "more").mkdir(parents=True)
    (tmp_path / "data" / "more" / "train.csv").write_text("text,label\n")
    (tmp_path / "reviews" / "pos").mkdir(parents=True)
    (tmp_path / "reviews" / "pos" / "1.txt").write_text("good film\n")
    monkeypatch.chdir(tmp_path)


TRAINING = ("finetune {0} --data {1}", "data inspect {1} --model {0}")
PREDICTING = ("predict {0} --file {1}", "predict {0} --file {1} --out answers.csv")
"""Not for the model of texts, which has to be trained first."""
MISMATCHES = (
    (TEXTS, "pets", "a folder of images", "models that take images: resnet50 (recommended), ", TRAINING),
    (
        TEXTS,
        "pets.csv",
        "a table of images (column file_name)",
        "models that take images: resnet50 (recommended), ",
        TRAINING,
    ),
    (IMAGES, "texts.csv", "a table of texts (column Review)", "texts", (*TRAINING, *PREDICTING)),
    (IMAGES, "texts.txt", "plain text", "texts", (*TRAINING, *PREDICTING)),
)


@pytest.mark.parametrize(
    ("command", "model", "name", "kind", "others"),
    [(command, *mismatch[:4]) for mismatch in MISMATCHES for command in mismatch[4]],
)
def test_every_verb_says_what_the_data_is(
    command: str, model: str, name: str, kind: str, others: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.format(model, name).split()) == ExitCode.DATA

    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert error.endswith(f"{name} is {kind}, but {model} takes {'text' if model == TEXTS else 'image'}s")
    assert others in hint


def test_it_is_told_in_python_too() -> None:
    with pytest.raises(DatasetInvalid, match=r"texts\.csv is a table of texts .* but resnet18 takes images"):
        zoo.pretrain(IMAGES, "texts.csv")


def test_a_column_that_is_named_is_taken() -> None:
    with pytest.raises(DatasetInvalid, match="good film: there is no such file"):
        zoo.finetune(IMAGES, "texts.csv", input="Review")


@pytest.mark.parametrize(
    ("folder", "hint"),
    [
        ("data", "name the table itself, such as {}/data/more/train.csv"),
        ("reviews", "texts in files of their own are not"),
    ],
)
def test_a_folder_without_images_points_to_its_tables(folder: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid) as caught:
        zoo.finetune(TEXTS, folder)
    assert "is a folder without images or recordings; it holds files of other kinds (1 ." in caught.value.message
    assert caught.value.hint.startswith(hint.format(tmp_path))
