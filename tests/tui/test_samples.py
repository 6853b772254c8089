"""Pictures in the form before a training, and in a run after each evaluation: with what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.color import Color

import zoo
from tests.plugin_site import Site, card, plugin
from tests.spotting_task import draw_spot, install_learning
from tests.tui.driving import Driver, scenario, screen_text, shows, until
from tests.tui.test_runs import PLAN, STARTED, WriteRun
from tests.tui.test_training import enter, open_form
from zoo.rendering.colours import label_colour
from zoo.runs.events import EvaluationCompleted, RunCancelled, WrittenSample
from zoo.tasks import get_task
from zoo.tui.screens.run import RunScreen
from zoo.tui.widgets.gallery import Gallery

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def learner(models: Site) -> Iterator[Site]:
    """A stranger's model that learns boxes."""
    install_learning(models)
    yield models
    get_task.cache_clear()


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """A table of pictures: the first has no box, the last is damaged, the others one or two."""
    rows = []
    for number in range(5):
        draw_spot(tmp_path / f"{number}.png")
        corners = {"left": 10, "top": 5, "right": 28, "bottom": 23}
        objects = [{"label": f"spot \x1b[2J{number}", **corners}, {"label": "all", "bbox": [0, 0, 59, 39]}]
        rows.append({"file_name": f"{number}.png", "boxes": objects[: (0, 1, 2, 2, 1)[number]]})
    (tmp_path / "4.png").write_bytes(b"no picture")
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def marked_cells(pilot: Driver, label: str) -> int:
    """Columns in the colour of a label."""
    colour = Color.from_rgb(*label_colour(label))
    strips = pilot.app.screen._compositor.render_strips()
    styles = [segment.style for strip in strips for segment in strip if segment.style]
    return sum(colour in (style.color, style.bgcolor) for style in styles)


@pytest.mark.slow
@scenario(size=(240, 45))  # where messages with long paths are not broken
async def test_a_field_names_the_classes_of_masks(
    pilot: Driver, models: Site, one_device: None, tmp_path: Path
) -> None:
    ability = "zoo.Ability(verb='finetune', task='image-segmentation', options=zoo.FinetuneOptions)"
    learning = plugin(card("masks", abilities=f"({ability},)"), more="@zoo.hookimpl\ndef finetune(run): ...")
    models.install("masks", learning)
    for number in range(4):
        for folder in ("images", "masks"):
            (tmp_path / "cells" / folder).mkdir(parents=True, exist_ok=True)
            image = Image.new("L", (8, 6), number % 3)
            image.paste(9, (0, 0, 4, 6))
            image.save(tmp_path / "cells" / folder / f"{number}.png")
    own = tmp_path / "own.json"
    own.write_text('{"9": "cell", "0": "bg", "1": "bg", "2": "bg"}')
    screen = await open_form(pilot, "masks")
    enter(screen, data=str(tmp_path / "cells"))
    await shows(pilot, "taken as classes of these names")
    enter(screen, classes=str(tmp_path / "none.json"))
    await shows(pilot, "no such file or folder")
    enter(screen, classes=str(own))
    await shows(pilot, "classes by own.json", "images 4", "bg 50.0%")
    assert f" --classes {own}" in screen.command()
    assert screen.request().data.classes == str(own)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 45), (80, 24)])
def test_the_form_shows_samples_with_their_boxes(
    size: tuple[int, int], learner: Site, one_device: None, boxes: Path
) -> None:
    @scenario(size=size)
    async def play(pilot: Driver) -> None:
        screen = await open_form(pilot, "learner")
        gallery = screen.query_one(Gallery)
        assert not gallery.display
        enter(screen, data=str(boxes))
        await until(pilot, lambda: gallery.display)
        await shows(pilot, "1.png ■ spot 1 1", "▀")
        if size[0] > 100:
            await shows(pilot, "2.png ■ spot 2 1")
        assert marked_cells(pilot, "all" if size[0] > 100 else "spot \x1b[2J1") >= 8
        assert "no boxes" not in screen_text(pilot)
        enter(screen, data=str(boxes.parent / "none.jsonl"))
        await until(pilot, lambda: not gallery.display)

    play()


@pytest.mark.parametrize("size", [(120, 45), (80, 24)])
def test_a_run_shows_the_pictures_of_its_newest_evaluation(
    size: tuple[int, int], models: Site, write_run: WriteRun, tmp_path: Path
) -> None:
    def evaluated(step: int, label: str) -> EvaluationCompleted:
        pictures = tuple(
            zoo.Boxes(
                image=str(draw_spot(tmp_path / f"{number}.png")),
                title=f"{number}.png",
                width=60,
                height=40,
                boxes=(zoo.BoxMark(0, 0, 59, 39, label, 0.5),),
            )
            for number in range(3)
        )
        return EvaluationCompleted(step=step, metrics={"map": 0.5}, rows=9, best=True, pictures=pictures)

    @scenario(size=size)
    async def play(pilot: Driver) -> None:
        write_run("boxes", STARTED, PLAN, evaluated(50, "early"), evaluated(100, "late\x1b[2J"), RunCancelled(step=100))
        await pilot.press("2")
        await shows(pilot, "boxes")
        await pilot.press("enter")
        await shows(pilot, "Evaluations", "Pictures")
        screen = pilot.app.screen
        assert isinstance(screen, RunScreen)
        screen.choose_tab("pictures")
        await shows(
            pilot, "step 100: what the model says of held-out pictures", "0.png ■ late 1", "1.png ■ late 1", "▀"
        )
        assert marked_cells(pilot, "late\x1b[2J") > 20
        screen.choose_tab("events")
        await until(pilot, lambda: "▀" not in screen_text(pilot))

    play()


def test_a_run_shows_what_the_model_writes_after_each_evaluation(models: Site, write_run: WriteRun) -> None:
    def evaluated(step: int, text: str) -> EvaluationCompleted:
        sample = WrittenSample("What says\nthe cow?", text)
        return EvaluationCompleted(step=step, metrics={"loss": 0.5}, rows=9, best=True, sample=sample)

    @scenario(size=(100, 40))
    async def play(pilot: Driver) -> None:
        write_run("texts", STARTED, PLAN, evaluated(50, ""), evaluated(100, "moo\x1b[2J\nmoo"), RunCancelled(step=100))
        await pilot.press("2")
        await shows(pilot, "texts")
        await pilot.press("enter")
        await shows(pilot, "Evaluations", "Samples", "writes: What says the cow? → (nothing)")
        screen = pilot.app.screen
        assert isinstance(screen, RunScreen)
        screen.choose_tab("samples")
        await shows(pilot, "after: What says the cow?", "step 100 moo moo", "step 50 (nothing)")

    play()
