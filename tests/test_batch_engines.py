"""A model in engines that spread batches over processes, where these are installed: `ray[data]`, `daft`, `pyspark`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zoo

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the engines' own

TEXTS = ["" if number % 50 == 3 else "so good" if number % 2 else "so bad" for number in range(300)]
LABELS = [{"": None, "so good": "positive", "so bad": "negative"}[text] for text in TEXTS]
REASONS = [None if text else "column text is empty" for text in TEXTS]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Rows, some of which cannot be answered."""
    path = tmp_path / "in.csv"
    path.write_text("id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(TEXTS)))
    return str(path)


@pytest.fixture
def predict(words: str) -> zoo.BatchPredictor:
    return zoo.BatchPredictor(words, device="cpu", precision="fp32", whole=True)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    pytest.importorskip("ray.data")
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("ZOO_PLUGINS", "echo")
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20, logging_level="warning")
        yield ray
        ray.shutdown()


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    pyspark = pytest.importorskip("pyspark.sql")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    for name in ("SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE"):  # which Spark sets by itself
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    session = pyspark.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    yield session
    session.stop()


@pytest.mark.parametrize("batch_format", ["numpy", "pandas", "pyarrow"])
def test_ray_data_answers_rows_in_their_places(
    ray: Any, predict: zoo.BatchPredictor, path: str, batch_format: str
) -> None:
    environment = {"env_vars": {"ZOO_HOME": os.environ["ZOO_HOME"]}}
    dataset = ray.data.read_csv(path).map_batches(
        predict, batch_size=100, batch_format=batch_format, runtime_env=environment
    )
    rows = sorted(dataset.take_all(), key=lambda row: int(row["id"]))

    assert [row["prediction"] for row in rows] == LABELS
    assert [row["rejected"] for row in rows] == REASONS
    assert rows[0]["answer"]["scores"][0]["label"] == "negative"


def test_daft_answers_rows_in_their_places(predict: zoo.BatchPredictor, path: str) -> None:
    daft = pytest.importorskip("daft")
    text = daft.DataType.string()

    @daft.func.batch(return_dtype=daft.DataType.struct({"prediction": text, "rejected": text}))  # type: ignore[untyped-decorator]
    def answer(texts: Any) -> list[dict[str, Any]]:
        answers = predict({"text": texts.to_pylist()})
        pairs = zip(answers["prediction"], answers["rejected"], strict=True)
        return [{"prediction": prediction, "rejected": rejected} for prediction, rejected in pairs]

    frame = daft.read_csv(path).with_column("answer", answer(daft.col("text")))
    answers = frame.sort("id").to_pydict()["answer"]

    assert [one["prediction"] for one in answers] == LABELS
    assert [one["rejected"] for one in answers] == REASONS


def test_spark_answers_rows_in_their_places(spark: Any, predict: zoo.BatchPredictor, path: str) -> None:
    def answer(frames: Iterator[Any]) -> Iterator[Any]:
        pandas = pytest.importorskip("pandas")
        for frame in frames:
            yield pandas.DataFrame(predict(frame))[["id", "prediction", "rejected"]]

    frame = spark.read.csv(path, header=True).mapInPandas(answer, "id string, prediction string, rejected string")
    rows = sorted(frame.collect(), key=lambda row: int(row["id"]))

    assert [row["prediction"] for row in rows] == LABELS
    assert [row["rejected"] for row in rows] == REASONS
