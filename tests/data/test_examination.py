"""Examples in memory are examined to the same findings as their file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from zoo.data import Dataset, Finding, examine, inspect, load
from zoo.data.splitting import input_key
from zoo.tasks import get_task
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


def findings(dataset: Dataset, task: Task, evaluation: Dataset | None = None) -> tuple[Finding, ...]:
    keys = [input_key(example) for example in dataset.examples]
    eval_keys = [input_key(example) for example in evaluation.examples] if evaluation else []
    return examine(dataset, keys, task, evaluation=evaluation, eval_keys=eval_keys).findings


def with_short_paths(path: Path, long: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(Finding(finding.level, finding.message.replace(str(path), path.name)) for finding in long)


BALANCED = "".join(f"sentence number {i},{'pos' if i % 2 else 'neg'}\n" for i in range(40))


@pytest.mark.parametrize(
    "more",
    [
        "",
        "sentence  number 0,neg\nsentence number 2 ,pos\n",
        "".join(f"other {i},Pos\n" for i in range(9)),
        "only,rare\n",
        "one,few\ntwo,few\n",
        "".join(f"more {i},pos\n" for i in range(200)),
        "".join(f"more {i},{i}\n" for i in range(200)),
    ],
)
@pytest.mark.parametrize("merge", [False, True])
def test_the_findings_are_those_of_an_inspection(more: str, merge: bool, write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\n" + BALANCED + more)
    expected = with_short_paths(path, inspect(path, classify, merge=merge).findings)
    assert findings(load(path, classify, merge=merge), classify) == expected
    assert bool(expected) == bool(more)


def test_evaluation_data_is_compared(write: Write, classify: Task) -> None:
    path, eval_path = (
        write("a.csv", "text,label\n" + BALANCED),
        write("b.csv", "text,label\nnew,pos\nsentence number 4,neg\n"),
    )
    examined = findings(load(path, classify), classify, load(eval_path, classify))
    assert examined == inspect(path, classify, eval_path=eval_path).findings
    assert [finding.message for finding in examined] == [
        "1 row of the evaluation data also found in the training data, which flatters every figure "
        "(training and evaluation rows 5 and 2)"
    ]


def test_evaluation_data_that_is_the_training_data_says_nothing_of_new_data(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\n" + BALANCED)
    dataset = load(path, classify)
    expected = Finding(
        "warning",
        "every row of the evaluation data is in the training data, too: the figures will say how well it is "
        "remembered, and nothing about new data",
    )
    assert findings(dataset, classify, dataset) == inspect(path, classify, eval_path=path).findings == (expected,)


def test_images_are_the_same_by_their_bytes_and_named(tmp_path: Path) -> None:
    task = get_task("image-classification")
    for name in [f"cat/{i}.png" for i in range(9)] + [f"dog/{i}.png" for i in range(9)]:
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = int(path.stem) + 20 * name.startswith("dog")
        Image.new("L", (8, 8), 1 if name == "dog/3.png" else shade).save(path)
    (tmp_path / "pets" / "cow").mkdir()
    examined = findings(load(tmp_path / "pets", task), task)
    assert examined == with_short_paths(tmp_path / "pets", inspect(tmp_path / "pets", task).findings)
    assert "(cat/1.png and dog/3.png)" in examined[0].message


def test_texts_without_labels_are_only_compared(write: Write, fill_mask: Task) -> None:
    path = write("a.txt", "one\ntwo\none\n")
    assert findings(load(path, fill_mask), fill_mask) == (
        Finding("info", "a.txt: 1 row repeats an earlier text (rows 1 and 3)"),
    )
