"""Small distributions of strangers: tasks with answers of their own, and plugins whose models do them."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.plugin_factory import write_plugin
from tests.plugin_site import Site
from zoo.tasks import get_task

TASK = """
import zoo

class Echoes(zoo.Answer, frozen=True):
    loudness: float
    words: dict[str, int]

    def blocks(self, source=""):
        rows = tuple((word, str(count)) for word, count in self.words.items())
        return (zoo.Table(title="Echoes", headers=("word", "times"), rows=rows),)

TASK = zoo.Task(
    name="echoing", summary="say how often each word comes back", input=zoo.TEXT, answer=Echoes,
    primary_metric="loss", larger_is_better=False, example={"text": "far far away"}, formats=("CSV",),
)
"""

PLUGIN = """
import collections
import zoo

@zoo.hookimpl
def cards():
    weights = zoo.Weights(
        files=(zoo.WeightsFile(name="w.bin"),), sources=(zoo.FolderSource(path=__file__.rpartition("/")[0]),)
    )
    abilities = tuple(zoo.Ability(verb="predict", task=task) for task in ("echoing", "feature-extraction"))
    return [
        zoo.Card(name="valley", task="echoing", family="toy", summary="it echoes", weights=weights,
                 abilities=abilities[:1]),
        zoo.Card(name="canyon", task="echoing", family="toy", summary="it echoes, or counts", weights=weights,
                 abilities=abilities),
    ]

class Valley:
    def predict(self, inputs):
        from stranger_task import Echoes
        return [
            Echoes(loudness=len(text) / 10, words=dict(collections.Counter(text.split())))
            if text.strip() else zoo.Rejected("silence")
            for text in inputs
        ]

class Lengths:
    def predict(self, inputs):
        return [zoo.Embedding((float(len(text)),)) for text in inputs]

@zoo.hookimpl
def predict(run):
    return Valley() if run.task.name == "echoing" else Lengths()
"""


PAIR_TASK = """
import zoo

class Relation(zoo.Answer, frozen=True):
    shared: str

    def blocks(self, source=""):
        return (zoo.Paragraph(text=f"in both: {self.shared}"),)

TASK = zoo.Task(
    name="pairing", summary="say what two texts share",
    input=zoo.Record("text pair", first=zoo.TEXT, second=zoo.TEXT), answer=Relation,
    primary_metric="loss", larger_is_better=False, example={"first": "a b", "second": "b c"}, formats=("CSV",),
)
"""

PAIR_PLUGIN = """
import zoo

@zoo.hookimpl
def cards():
    weights = zoo.Weights(
        files=(zoo.WeightsFile(name="w.bin"),), sources=(zoo.FolderSource(path=__file__.rpartition("/")[0]),)
    )
    return [zoo.Card(name="sharing", task="pairing", family="toy", summary="it compares", weights=weights,
                     abilities=(zoo.Ability(verb="predict", task="pairing"),))]

class Sharing:
    def predict(self, inputs):
        from pair_task import Relation
        return [
            Relation(shared=" ".join(word for word in pair["first"].split() if word in pair["second"].split()))
            for pair in inputs
        ]

@zoo.hookimpl
def predict(run):
    return Sharing()
"""


def install_pairing(site: Site, task: str = PAIR_TASK) -> None:
    """Install a task of two texts a row and `sharing`, a model for it; another one of that name is forgotten."""
    get_task.cache_clear()
    sys.modules.pop("pairing", None)
    site.path.mkdir(exist_ok=True)
    (Path(site.path) / "w.bin").write_bytes(b"x")
    write_plugin(site.path, "pairing", task, distribution="pair-task", group="zoo.tasks")
    site.install("pairs", PAIR_PLUGIN)


def install_echoing(site: Site) -> None:
    """Install both: `valley` does the task, `canyon` the task and another one of zoo's."""
    site.path.mkdir(exist_ok=True)
    (Path(site.path) / "w.bin").write_bytes(b"x")
    write_plugin(site.path, "echoing", TASK, distribution="stranger-task", group="zoo.tasks")
    site.install("stranger", PLUGIN)
