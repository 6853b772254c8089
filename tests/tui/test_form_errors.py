"""Errors raised for any front end, in the words of a form and beside the field they are about."""

from __future__ import annotations

from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.tui.form_errors import field_of, in_words_of_form

LABELS = {"data": "data", "input": "text column", "max_tokens": "max tokens", "lr": "lr"}


def test_fields_stand_in_the_place_of_flags() -> None:
    error = DatasetInvalid(
        "a.csv has no column that is usually the text", "say which it is with --input NAME; see --out"
    )
    assert in_words_of_form(error, LABELS) == (
        'a.csv has no column that is usually the text\nsay which it is with "text column"; see --out'
    )
    assert field_of(error, LABELS) == "input"


def test_an_option_is_known_by_its_dashes() -> None:
    error = OptionInvalid("--max-tokens is 4, but takes a whole number from 8 to 512")
    assert field_of(error, LABELS) == "max_tokens"
    assert in_words_of_form(error, LABELS) == '"max tokens" is 4, but takes a whole number from 8 to 512'


def test_an_error_that_names_no_field_is_about_none() -> None:
    for message in ("no room", "--processes is 0", "a--lr", "see zoo-bert --lrs"):
        assert field_of(OptionInvalid(message), LABELS) == ""


def test_a_command_to_be_typed_keeps_its_flags_and_is_about_no_field() -> None:
    error = DatasetInvalid("photos holds images", "models that take images: small (zoo ls --data x); see --lr")
    assert in_words_of_form(error, LABELS) == (
        'photos holds images\nmodels that take images: small (zoo ls --data x); see "lr"'
    )
    assert field_of(error, LABELS) == "lr"
