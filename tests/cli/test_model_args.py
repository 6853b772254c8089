"""Which word of a command names the model, so that its options are known wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import zoo as command
from zoo.cli import finetune
from zoo.cli.model_args import model_word
from zoo.cli.parser import Parser, new_parser
from zoo.cli.placement_args import add_placement


@pytest.fixture
def parser() -> Parser:
    parser = new_parser("finetune", finetune, "train")  # type: ignore[arg-type]
    parser.add_argument("model")
    parser.add_argument("--data")
    parser.add_argument("--json", action="store_true")
    add_placement(parser)
    return parser


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ("echo --data f.csv", "echo"),
        ("--data f.csv echo", "echo"),
        ("--data=f.csv --json echo", "echo"),
        ("--epochs 3 echo", "echo"),
        ("--class_weights auto echo", "echo"),
        ("--learning-rate 3 echo", "echo"),
        ("--batch_size 3 --num_train_epochs=1 echo", "echo"),
        ("--json -- echo", "echo"),
        ("--help", ""),
        ("--data f.csv", ""),
        ("", ""),
    ],
)
def test_the_model_is_the_first_word_that_belongs_to_no_flag(parser: Parser, typed: str, model: str) -> None:
    assert model == model_word(parser, typed.split(), zoo.FinetuneOptions, zoo.ClassWeightOptions)


def test_an_option_that_only_the_model_knows_comes_after_it(parser: Parser) -> None:
    with pytest.raises(zoo.OptionInvalid, match="--pause-ms stands before the model") as failure:
        model_word(parser, ["--pause-ms", "5", "echo"], zoo.FinetuneOptions)

    assert "zoo finetune MODEL --pause-ms" in failure.value.hint


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("--epohcs 3 echo", "did you mean --epochs?"),
        ("--learning-rat 3 echo", "did you mean --learning-rate?"),
        ("--model echo", "the model is named without a flag: zoo finetune MODEL"),
    ],
)
def test_a_slip_before_the_model_is_told(parser: Parser, typed: str, hint: str) -> None:
    with pytest.raises(zoo.OptionInvalid) as failure:
        model_word(parser, typed.split(), zoo.FinetuneOptions)

    assert failure.value.hint == hint


@pytest.mark.slow
def test_the_options_of_the_tasks_of_zoo_may_stand_before_the_model(echo: None, rows: Path) -> None:
    words = ("--class-weights", "auto", "--max-steps", "3", "echo", "--data", str(rows), "--dry-run", "--json")
    done = command("finetune", *words, "--device", "cpu", "--precision", "fp32")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["request"]["options"]["class_weights"] == "auto"
