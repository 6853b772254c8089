"""A stranger's task whose answers are drawn on their pictures, and a model for it that needs no weights."""

from __future__ import annotations

from pathlib import Path

from tests.plugin_factory import write_plugin
from tests.plugin_site import Site

TASK = """
import zoo

class Spots(zoo.Answer, frozen=True):
    on_picture = True
    width: int
    height: int
    boxes: tuple[zoo.BoxMark, ...]
    mask: bytes

    def blocks(self, source=""):
        size = {"image": source, "width": self.width, "height": self.height}
        blocks = [zoo.Paragraph(text=source, tone="strong")] if source else []
        if self.mask:
            return (*blocks, zoo.Mask(**size, labels=("background", "spot"), mask=self.mask))
        return (*blocks, zoo.Boxes(**size, boxes=self.boxes))

TASK = zoo.Task(
    name="spotting", summary="find what is bright", input=zoo.IMAGE, answer=Spots,
    primary_metric="loss", larger_is_better=False, example={"file_name": "1.png"}, formats=("CSV",),
)
"""

PLUGIN = """
import io
from typing import Annotated
import zoo

class Options(zoo.Options, frozen=True):
    as_mask: Annotated[bool, zoo.option("Give a label for each pixel, not a box.")] = False

@zoo.hookimpl
def cards():
    weights = zoo.Weights(
        files=(zoo.WeightsFile(name="w.bin"),), sources=(zoo.FolderSource(path=__file__.rpartition("/")[0]),)
    )
    return [zoo.Card(name="spotter", task="spotting", family="toy", summary="it finds what is bright", weights=weights,
                     abilities=(zoo.Ability(verb="predict", task="spotting", options=Options),))]

class Spotter:
    def __init__(self, as_mask):
        self.as_mask = as_mask

    def predict(self, inputs):
        return [self.spots(path) for path in inputs]

    def spots(self, path):
        from PIL import Image
        from spotting_task import Spots
        try:
            image = Image.open(path).convert("L")
        except OSError as error:
            return zoo.Rejected(str(error))
        bright = image.point(lambda value: 1 if value > 127 else 0)
        left, top, right, bottom = bright.getbbox() or (0, 0, 1, 1)
        file = io.BytesIO()
        bright.save(file, "PNG")
        box = zoo.BoxMark(left, top, right - 1, bottom - 1, "spot", 0.9)
        mask = file.getvalue() if self.as_mask else b""
        return Spots(width=image.width, height=image.height, boxes=(box,), mask=mask)

@zoo.hookimpl
def predict(run):
    return Spotter(run.options.as_mask)
"""


LEARNT_TASK = """
import zoo
from spotting_task import Spots

TASK = zoo.Task(
    name="spot-learning", summary="learn what is bright", input=zoo.IMAGE, target=zoo.BOXES, answer=Spots,
    primary_metric="loss", larger_is_better=False, example={"file_name": "1.png", "boxes": "[]"}, formats=("CSV",),
)
"""

LEARNER = """
import zoo

@zoo.hookimpl
def cards():
    ability = zoo.Ability(verb="finetune", task="spot-learning", options=zoo.FinetuneOptions)
    return [zoo.Card(name="learner", task="spot-learning", family="toy", summary="it learns", abilities=(ability,))]

@zoo.hookimpl
def finetune(run): ...
"""


def install_learning(site: Site) -> None:
    """Install `learner` and its task, whose data are boxes, beside those of `install_spotting`."""
    install_spotting(site)
    write_plugin(site.path, "spot-learning", LEARNT_TASK, distribution="learning-task", group="zoo.tasks")
    site.install("learns", LEARNER)


def install_spotting(site: Site) -> None:
    """Install the task, and `spotter`, which answers it with boxes, or with masks."""
    site.path.mkdir(exist_ok=True)
    (Path(site.path) / "w.bin").write_bytes(b"x")
    write_plugin(site.path, "spotting", TASK, distribution="spotting-task", group="zoo.tasks")
    site.install("spots", PLUGIN)


def draw_spot(path: Path, box: tuple[int, int, int, int] = (10, 5, 29, 24), size: tuple[int, int] = (60, 40)) -> Path:
    """Write a dark picture with something bright on it."""
    from PIL import Image

    image = Image.new("RGB", size, (30, 30, 60))
    image.paste((250, 240, 200), box)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path
