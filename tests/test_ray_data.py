"""A model in Ray Data, where Ray is installed: `uv pip install "ray[data]"`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zoo

pytest.importorskip("ray.data")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Ray's own


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    import ray

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("ZOO_PLUGINS", "echo")
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20, logging_level="warning")
        yield ray
        ray.shutdown()


@pytest.mark.parametrize("batch_format", ["numpy", "pandas", "pyarrow"])
def test_rows_of_a_file_are_answered_in_their_places(
    ray: Any, words: str, store: Path, tmp_path: Path, batch_format: str
) -> None:
    path = tmp_path / "in.csv"
    texts = ["" if number % 50 == 3 else "so good" if number % 2 else "so bad" for number in range(300)]
    path.write_text("id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(texts)))
    predict = zoo.BatchPredictor(words, device="cpu", precision="fp32", whole=True)
    environment = {"env_vars": {"ZOO_HOME": str(store)}}
    dataset = ray.data.read_csv(str(path)).map_batches(
        predict, batch_size=100, batch_format=batch_format, runtime_env=environment
    )
    rows = sorted(dataset.take_all(), key=lambda row: int(row["id"]))

    labels = {"": None, "so good": "positive", "so bad": "negative"}
    assert [row["prediction"] for row in rows] == [labels[text] for text in texts]
    assert [row["rejected"] for row in rows] == [None if text else "column text is empty" for text in texts]
    assert rows[0]["answer"]["scores"][0]["label"] == "negative"
