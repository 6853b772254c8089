"""The form of a training as its data are chosen: columns found, guessed or asked for, and what is learnt of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zoo
from tests.opened_files import reads_below
from tests.plugin_site import Site, card, new_site, plugin
from tests.tui.driving import Driver, scenario, shows, until, write
from tests.tui.test_training import enter, open_form
from zoo.tasks.task import Task
from zoo.tui.widgets.column_fields import ColumnFields

pytestmark = pytest.mark.slow


@pytest.fixture
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A model that can be fine-tuned for three tasks; numbers have fewer options."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        options = {"classification": "Finetune", "multi-label-classification": "Finetune", "regression": "Data"}
        abilities = [
            f"zoo.Ability(verb='finetune', task='text-{task}', options=zoo.{kind}Options)"
            for task, kind in options.items()
        ]
        site.install(
            "several",
            plugin(
                card("several", abilities=f"({', '.join(abilities)})"), more="@zoo.hookimpl\ndef finetune(run): ..."
            ),
        )
        yield site


@pytest.fixture
def looker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A model that learns from images."""
    ability = "zoo.Ability(verb='finetune', task='image-classification', options=zoo.FinetuneOptions)"
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("looker", plugin(card("looker", task="'image-classification'", abilities=f"({ability},)")))
        yield site


@scenario(size=(100, 45))
async def test_the_preview_and_the_request_read_images_once(
    pilot: Driver, looker: Site, one_device: None, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    paths = [tmp_path / "data" / "pets" / name for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        image.new("RGB", (8, 8), (number, 0, 0)).save(path)
    screen = await open_form(pilot, "looker")
    with reads_below(tmp_path / "data") as reads:
        enter(screen, data=str(tmp_path / "data" / "pets"))
        await shows(pilot, "cat 2", "dog 2")
        request = await asyncio.to_thread(screen.request)
    assert request.data.sha256
    assert {path: reads[str(path)] for path in paths} == dict.fromkeys(paths, 1)
    image.new("RGB", (8, 8), (9, 0, 0)).save(paths[0])
    assert (await asyncio.to_thread(screen.request)).data.sha256 != request.data.sha256


TICKETS = "Ticket,Customer Message,Team\n" + "".join(
    f"{n},my parcel number {n} is late,billing\n{n},the invoice {n} is wrong,shipping\n" for n in range(20)
)


@scenario(size=(120, 40))
async def test_columns_with_names_of_their_own_are_offered_with_a_guess(
    pilot: Driver, echo: None, one_device: None, tmp_path: Path
) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(TICKETS)
    screen = await open_form(pilot)
    enter(screen, data=str(path))
    await pilot.press("enter")
    await shows(pilot, "Customer Message", "Team", "a guess: is it right?", "billing 20", "nothing stands in the way")
    await until(pilot, lambda: pilot.app.focused is screen.field("input").editor)
    assert screen.command() == f"zoo finetune echo --data {path} --input 'Customer Message' --label Team"
    enter(screen)
    await pilot.press("ctrl+s")
    await shows(pilot, "40 usable, 2 classes: billing, shipping")
    await pilot.press("n")
    enter(screen, label="Ticket")
    await shows(pilot, "hard", "label column Ticket", "--label Ticket")
    (tmp_path / "usual.csv").write_text("text,label\n" + "good,a\nbad,b\n" * 20)
    enter(screen, data=str(tmp_path / "usual.csv"))
    await shows(pilot, "text column text", "label column label", "by its usual name", "a 20")
    assert screen.command().endswith("usual.csv")


@scenario(size=(120, 40))
async def test_a_result_is_judged_by_the_columns_it_was_trained_on(
    pilot: Driver, finetune: Callable[..., zoo.Run], tmp_path: Path
) -> None:
    (tmp_path / "tickets.csv").write_text(TICKETS)
    finetune(name="mine", data=tmp_path / "tickets.csv", input="Customer Message", label="Team").wait(progress=False)
    await until(pilot, lambda: pilot.app.feed.line("echo/mine"))
    await pilot.press("slash")
    await write(pilot, "mine")
    await pilot.press("enter", "e")
    await shows(pilot, "evaluate mine")
    screen = pilot.app.screen
    screen.field("data").editor.value = str(tmp_path / "tickets.csv")
    await shows(pilot, "text column Customer Message ▼ as it was trained", "label column Team ▼ as it was trained")
    assert "--input" not in screen.command()


@scenario(size=(120, 40))
async def test_a_column_that_nobody_can_guess_is_asked_for(pilot: Driver, echo: None, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("a,b\n" + "".join(f"{n},{2 * n}\n" for n in range(20)))
    screen = await open_form(pilot)
    enter(screen, data=str(path))
    text = await shows(pilot, "choose the column that holds the text", "choose the column that holds the label")
    assert "--input" not in text
    await until(pilot, lambda: pilot.app.focused is screen.field("input").editor)
    await pilot.press("ctrl+s")
    await shows(pilot, "choose the column that holds the text")
    await pilot.press("enter", "down", "enter")
    await until(pilot, lambda: screen.value("input") == "a")
    await shows(pilot, "choose the column that holds the label")
    assert not screen.field("input").has_fault


@scenario(size=(100, 40))
async def test_data_of_another_kind_is_called_what_it_is(pilot: Driver, echo: None, tmp_path: Path) -> None:
    path = tmp_path / "scans.csv"
    path.write_text("image,Remark,label\n" + "".join(f"{n}.png,a remark on {n},a\n" for n in range(20)))
    screen = await open_form(pilot)
    enter(screen, data=str(path))
    await shows(pilot, "is a table of images (column image), but echo takes texts")
    assert screen.field("data").has_fault
    enter(screen, input="Remark")
    await shows(pilot, "input from 'Remark'")


@scenario(size=(120, 45))
async def test_labels_that_look_alike_are_merged_by_a_field(pilot: Driver, echo: None, rows: Path) -> None:
    rows.write_text(rows.read_text() + "more,Positive\n")
    screen = await open_form(pilot)
    enter(screen, data=str(rows))
    await shows(pilot, "look alike are classes", "'Positive'", '"merge labels"')
    screen.field("merge_labels").editor.value = True  # type: ignore[attr-defined]
    await shows(pilot, "look alike are merged", "positive 21")


@scenario(size=(120, 45))
async def test_the_data_and_then_the_person_say_what_is_learnt(pilot: Driver, learner: Site, tmp_path: Path) -> None:
    screen = await open_form(pilot, "several")
    await shows(pilot, "task text-classification", "label column by its usual name", "class weights")
    numbers, sets = tmp_path / "numbers.csv", tmp_path / "sets.csv"
    numbers.write_text("text,score\n" + "".join(f"text {n},{n / 7:.3f}\n" for n in range(40)))
    sets.write_text("text,labels\n" + "".join(f"text {n},{('a|b', 'a', 'b|c')[n % 3]}\n" for n in range(40)))

    enter(screen, data=str(numbers), eval_share="0.3")
    await shows(pilot, "task text-regression", "column 'score' is taken to hold", "number column score", "rows 40")
    assert ("text-regression", "0.3") == (screen.ability.task, screen.value("eval_share"))
    assert not screen.query("#field-epochs, #field-merge_labels")
    assert "--task text-regression" in screen.command()

    enter(screen, data=str(sets))
    await shows(pilot, "task text-multi-label-classification", "label set column labels", "separator", "a 27")
    assert len(screen.query("#field-epochs, #field-merge_labels")) == 2
    assert not screen.query("#field-class_weights"), "an option of the first task"
    enter(screen, separator="/")
    await shows(pilot, "a|b 14", "--separator /")

    enter(screen, task="text-classification")
    await shows(pilot, "task text-classification", "label column labels", "a|b 14")
    enter(screen, data=str(numbers))
    await shows(pilot, "label column choose one", "choose the column that holds the label")
    assert "text-classification" == screen.ability.task


@scenario(size=(100, 40))
async def test_columns_that_were_read_too_early_are_offered_to_the_fields_of_the_task(
    pilot: Driver, learner: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the data are looked at once more before the fields of another task are there."""
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("text,score\n" + "".join(f"text {n},{n / 7:.3f}\n" for n in range(40)))
    screen = await open_form(pilot, "several")
    use = ColumnFields.use

    async def use_late(columns: ColumnFields, task: Task) -> None:
        screen.look_at_data()
        while screen._previewed != screen.data_query():
            await asyncio.sleep(0.01)
        await use(columns, task)

    monkeypatch.setattr(ColumnFields, "use", use_late)
    enter(screen, data=str(numbers))
    await shows(pilot, "task text-regression", "number column score")
