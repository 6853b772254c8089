"""A model as a callable from columns to columns."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow
import pytest

import zoo

BATCH = {"id": [7, 8, 9], "text": ["so good", None, "so bad"]}


def predictor(words: str, **settings: Any) -> zoo.BatchPredictor:
    return zoo.BatchPredictor(words, device="cpu", precision="fp32", **settings)


def test_rows_stay_in_place_and_what_cannot_be_read_says_why(words: str) -> None:
    answers = predictor(words)(BATCH)

    assert list(answers) == ["id", "text", "prediction", "probability", "rejected"]
    assert answers["id"] == [7, 8, 9]
    assert answers["prediction"] == ["positive", None, "negative"]
    assert answers["rejected"] == [None, "column text is empty", None]
    assert [type(one) for one in answers["probability"]] == [float, type(None), float]


def test_columns_are_those_of_any_library(words: str) -> None:
    predict = predictor(words)
    columns = {
        "numpy": {"text": np.array(BATCH["text"], dtype=object)},
        "Arrow": pyarrow.table({"text": BATCH["text"]}),
        "a column of Arrow": {"text": pyarrow.array(BATCH["text"])},
        "capitals": {"Text": BATCH["text"]},
    }
    for name, batch in columns.items():
        assert predict(batch)["prediction"] == ["positive", None, "negative"], name
    dates = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[ns]")
    carried = predict({"Text": ["so bad"] * 2, "text": np.array(["so good"] * 2), "day": dates})
    assert carried["day"] is dates
    assert carried["prediction"] == ["positive", "positive"]

    assert predict({"text": []}) == {"text": [], "prediction": [], "probability": [], "rejected": []}


def test_a_column_by_another_name_and_one_that_is_called_as_an_answers(words: str) -> None:
    batch = {"remark": ["so good"], "prediction": ["gold"], "input_prediction": [1]}
    answers = predictor(words, columns={"input": "remark"}, whole=True)(batch)

    assert answers["prediction"] == ["positive"]
    assert answers["input_input_prediction"] == ["gold"]
    assert answers["input_prediction"] == [1]
    assert answers["answer"][0]["scores"][0]["label"] == "positive"


def test_what_is_wrong_is_said_before_the_first_batch_where_it_can(words: str) -> None:
    with pytest.raises(zoo.UnknownModel):
        zoo.BatchPredictor("wrods")
    with pytest.raises(zoo.OptionInvalid):
        zoo.BatchPredictor(words, louder=True)
    with pytest.raises(zoo.OptionInvalid, match="names a column for 'inptu', which inputs of"):
        zoo.BatchPredictor(words, columns={"inptu": "review"})
    with pytest.raises(zoo.DatasetInvalid, match=r"the batch has no column text or .*; columns found: remark") as error:
        predictor(words)({"remark": ["so good"]})
    assert "columns={'input': NAME}" in error.value.hint
    with pytest.raises(zoo.DatasetInvalid, match=r"the columns of the batch have 1 \(text\), 2 \(id\) rows"):
        predictor(words)({"text": ["so good"], "id": [1, 2]})


def test_a_name_that_stands_for_other_weights_where_it_is_used_is_told(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = predictor(words)
    monkeypatch.setattr(predict, "_weights", "0" * 64)

    with pytest.raises(zoo.Unsupported, match="words has other weights here than where its predictor was made"):
        predict(BATCH)


def test_a_process_loads_a_model_once_whatever_copies_of_it_come(words: str) -> None:
    """Threads of this process share it; another process, which gets a pickle, loads it for itself."""
    zoo.api.batch_predictor._load.cache_clear()
    predict = predictor(words)
    copies = [pickle.loads(pickle.dumps(predict)) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answered = list(threads.map(lambda copy: copy(BATCH)["prediction"], copies))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as processes:
        elsewhere = list(processes.map(predict, [BATCH, {"text": ["good"]}]))

    assert answered == [["positive", None, "negative"]] * 4
    assert elsewhere[0] == predict(BATCH)
    assert elsewhere[1]["prediction"] == ["positive"]
    assert zoo.api.batch_predictor._load.cache_info().misses == 1
