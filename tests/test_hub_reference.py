"""How people name a model of the Hub: what a browser shows is taken as well as what zoo writes."""

from __future__ import annotations

import pytest

from zoo.errors import OptionInvalid
from zoo.hub_reference import is_reference, parse_reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("hub:people/toy", "hub:people/toy"),
        ("hub:people/toy@v1", "hub:people/toy@v1"),
        ("https://huggingface.co/people/toy", "hub:people/toy"),
        ("https://huggingface.co/people/toy/", "hub:people/toy"),
        ("http://www.huggingface.co/people/toy?library=transformers#usage", "hub:people/toy"),
        ("huggingface.co/people/toy/tree/main", "hub:people/toy"),
        ("https://huggingface.co/people/toy/tree/v1.5", "hub:people/toy@v1.5"),
        ("https://huggingface.co/people/toy/tree/refs%2Fpr%2F1", "hub:people/toy@refs/pr/1"),
        ("https://huggingface.co/people/toy/blob/main/config.json", "hub:people/toy"),
        ("https://hf.co/people/toy", "hub:people/toy"),
        ("https://mirror.example/hub/people/toy/tree/v2", "hub:people/toy@v2"),
    ],
)
def test_an_address_is_a_reference(text: str, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/hub")

    assert is_reference(text)
    assert str(parse_reference(text)) == reference


@pytest.mark.parametrize("text", ["people/toy", "toy", "https://example.org/people/toy", "./people/toy", ""])
def test_other_texts_are_no_address_of_the_hub(text: str) -> None:
    assert not is_reference(text)


def test_owner_and_name_can_be_read_where_they_are_expected() -> None:
    assert str(parse_reference("people/toy@v1")) == "hub:people/toy@v1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://huggingface.co/datasets/people/rows", "is a data set of the Hub"),
        ("https://huggingface.co/spaces/people/app", "is a Space of the Hub"),
        ("https://huggingface.co/people", "names no repository of the Hub"),
        ("https://huggingface.co/", "names no repository of the Hub"),
    ],
)
def test_a_page_that_is_no_model_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionInvalid, match=message):
        parse_reference(text)
