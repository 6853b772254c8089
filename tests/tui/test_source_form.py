"""The form of a training with several sources: what is added stands in the form, in its command and in the request."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.plugin_site import Site, card, new_site, plugin
from tests.tui.driving import Driver, scenario, screen_text, shows, until, write
from tests.tui.test_training import enter, open_form
from tests.weights_factory import weights, write_files
from zoo.card import FolderSource
from zoo.cli import finetune
from zoo.cli.parser import new_parser
from zoo.cli.training_args import job_of
from zoo.errors import OptionInvalid
from zoo.jobs import Job
from zoo.requests import check_job
from zoo.sources import Source
from zoo.tui.screens.data_form import DataForm
from zoo.tui.screens.source import SourceScreen
from zoo.tui.screens.train import TrainScreen
from zoo.tui.widgets.added_sources import AddedSource
from zoo.tui.widgets.teacher_field import TeacherField

HOOKS = "".join(f"@zoo.hookimpl\ndef {hook}(run): ...\n\n" for hook in ("pretrain", "finetune", "body"))


@pytest.fixture
def sharer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A model with a body that classifies, regresses and fills masks, and one that tells numbers."""
    abilities = [
        f"zoo.Ability(verb='finetune', task='text-{task}', options=zoo.FinetuneOptions)"
        for task in ("classification", "regression", "multi-label-classification")
    ]
    abilities.append("zoo.Ability(verb='pretrain', task='fill-mask', options=zoo.PretrainOptions)")
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("sharer", plugin(card("sharer", abilities=f"({', '.join(abilities)})"), more=HOOKS))
        site.install("tutor", tutor(tmp_path))
        yield site


@pytest.fixture
def others(sharer: Site, tmp_path: Path) -> None:
    """A model named as the one that tells numbers, and one that tells images apart."""
    sharer.install("second", tutor(tmp_path))
    sharer.install("looker", tutor(tmp_path, "looker", "image-classification"))


def tutor(folder: Path, name: str = "tutor", task: str = "text-regression") -> str:
    """A plugin with a model that can be asked."""
    here = FolderSource(path=str(write_files(folder / "tutor", {"w.bin": b"weights"})))
    ability = f"{{'predict': zoo.Ability(task={task!r})}}"
    model = card(name, task=repr(task), weights=repr(weights({"w.bin": b"weights"}, here)), abilities=ability)
    return plugin(model, more="from zoo import *")


def teachers(screen: DataForm) -> list[str]:
    """Names of the models that can be chosen to teach."""
    return list(screen.query_one(TeacherField).teachers)


def scores(folder: Path) -> Path:
    path = folder / "scores.csv"
    path.write_text("text,score\n" + "".join(f"fine {n},{n / 7:.2f}\n" for n in range(20)))
    return path


@pytest.mark.slow
@scenario(size=(130, 45))
async def test_a_source_is_added_and_removed(
    pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    await pilot.press("ctrl+n")
    await shows(pilot, "one more source for sharer to learn from")
    await pilot.press("ctrl+s")
    await shows(pilot, "it is needed")
    form = pilot.app.screen
    assert isinstance(form, SourceScreen)
    for name, value in {"source": "first", "data": "nowhere.csv", "weight": "-1"}.items():
        form.field(name).enter(value)
    await shows(pilot, "'first' is there twice", "no such file or folder", "takes a number, more than 0")
    for name, value in {"source": "scores", "data": scores(tmp_path).name, "weight": "0.5"}.items():
        form.field(name).enter(value)
    await pilot.press("ctrl+s")
    await until(pilot, lambda: pilot.app.screen is screen)
    await shows(pilot, "and scores: ", "weight 0.5", "--source scores=", "--weight scores=0.5")

    request = check_job(screen.job()).request
    assert [(one.name, one.task, one.weight) for one in request.sources] == [
        ("first", "text-classification", 1.0),
        ("scores", "text-regression", 0.5),
    ]
    await pilot.press("ctrl+r")
    await until(pilot, lambda: "--source" not in screen_text(pilot))
    assert not screen.job().others


@pytest.mark.slow
@scenario(size=(110, 36))
async def test_each_source_is_read_as_its_data_are(
    pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path
) -> None:
    """Its columns are found or chosen; data without targets are learnt without."""
    table = tmp_path / "table.csv"
    table.write_text("remark,points\n" + "".join(f"fine {n},{n / 7:.2f}\n" for n in range(20)))
    texts = tmp_path / "texts.txt"
    texts.write_text("one line\nand another\n" * 9)
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    for name, data in {"scores": table, "texts": texts}.items():
        await pilot.press("ctrl+n")
        await shows(pilot, "one more source for sharer to learn from")
        form = pilot.app.screen
        assert isinstance(form, SourceScreen)
        form.field("source").enter(name)
        form.field("data").enter(str(data))
        if data is texts:
            await shows(pilot, "it has no targets, so it is learnt without: fill-mask")
        else:
            form.field("task").enter("text-regression")
            await shows(pilot, "number column", "a guess: is it right?", "numbers 0 to 2.71")
        form.field("eval").enter(str(data))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.screen is screen)
    await shows(pilot, "and scores: ", "(input in remark, label in points) held out", "and texts: ", "for fill-mask")

    request = check_job(screen.job()).request
    assert [(one.verb, one.task, one.data.columns) for one in request.sources[1:]] == [
        ("finetune", "text-regression", {"input": "remark", "label": "points"}),
        ("pretrain", "fill-mask", {}),
    ]
    assert request.sources[1].data.eval_path == str(table)


@pytest.mark.slow
@scenario(size=(110, 45))
async def test_an_added_source_is_changed_or_taken_out(
    pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path
) -> None:
    """Its dialog opens with what it has, and what is changed there takes its place."""
    table = tmp_path / "table.csv"
    table.write_text("remark,points\n" + "".join(f"fine {n},{n / 7:.2f}\n" for n in range(20)))
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    columns = {"input": "points", "label": "remark"}  # as nobody would guess
    whole = Source(
        name="notes",
        data=str(table),
        task="text-classification",
        columns=columns,
        weight=0.5,
        merge_labels=True,
        eval_data=str(table),
    )
    for source in (whole, Source(name="scores", data=str(scores(tmp_path)), task="text-regression", teacher="tutor")):
        screen._add_source(source)
    await until(pilot, lambda: len(screen.query(AddedSource)) == 2)
    screen.query(AddedSource).first().focus()
    await pilot.press("enter")
    await shows(pilot, "notes, which sharer learns from", "text column", "remark", "table.csv")
    form = pilot.app.screen
    assert isinstance(form, SourceScreen)
    await until(pilot, lambda: form.is_task_settled and form._previewed)
    assert not form.unsaved
    form.field("weight").enter("2")
    await pilot.press("ctrl+s")
    await until(pilot, lambda: pilot.app.screen is screen)
    assert screen.job().others[0] == msgspec.structs.replace(whole, weight=2.0)
    await shows(pilot, "weight 2", "labels merged")

    await pilot.press("down", "enter")
    await shows(pilot, "scores, which sharer learns from")
    form = pilot.app.screen
    assert isinstance(form, SourceScreen)
    await until(pilot, lambda: teachers(form) and not form.columns.missing_fields)
    form.field("source").enter("notes")
    await shows(pilot, "'notes' is there twice")
    form.field("source").enter("points")
    await pilot.press("ctrl+s")
    await until(pilot, lambda: pilot.app.screen is screen)
    assert [(one.name, one.teacher) for one in screen.job().others] == [("notes", ""), ("points", "tutor")]
    await pilot.press("up", "delete")
    await until(pilot, lambda: [one.name for one in screen.job().others] == ["points"])
    await until(pilot, lambda: "and notes" not in screen_text(pilot))


def typed(command: str) -> Job:
    """What a command asks for."""
    words = shlex.split(command)[2:]
    parser = new_parser("finetune", finetune, "")
    finetune.complete_parser(parser, words)
    return job_of(parser.parse_args(words), "finetune")


@pytest.mark.slow
@scenario(size=(110, 45))
async def test_the_command_says_of_each_source_how_its_labels_are_read(
    pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path
) -> None:
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    await shows(pilot, "nothing stands in the way")
    topics = tmp_path / "topics.csv"
    topics.write_text("text,label\n" + "".join(f"fine {n},a{'/b' * (n % 2)}\n" for n in range(20)))
    task = "text-multi-label-classification"
    for name, separator, merges in (("slashes", "/", False), ("marks", "=", True)):
        screen._add_source(Source(name=name, data=str(topics), task=task, separator=separator, merge_labels=merges))
    await shows(pilot, "and slashes", "labels divided at =", "labels merged")
    command = screen.command()
    assert "--separator slashes=/ --separator marks== --merge-labels-of marks" in command
    assert [*typed(command).others] == [*screen.job().others]

    of_all = typed(f"{command} --separator + --merge-labels")
    assert [(one.separator, one.merge_labels) for one in (of_all.source, *of_all.others)] == [
        ("+", True),
        ("/", True),
        ("=", True),
    ]
    for flag in ("--separator other=/", "--classes other=palette.json", "--merge-labels-of other"):
        with pytest.raises(OptionInvalid, match=f"{flag} (does not say for which|names no) source"):
            typed(f"{command} {flag}")


@pytest.mark.slow
@scenario(size=(110, 45))
async def test_how_sources_are_mixed_is_asked_where_there_are_several(
    pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path
) -> None:
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    await shows(pilot, "nothing stands in the way")
    assert "how the sources are mixed" not in screen_text(pilot)
    screen._add_source(Source(name="scores", data=str(scores(tmp_path)), task="text-regression"))
    await shows(pilot, "how the sources are mixed", "sampling temperature")

    for name, value in {"sampling": "equal", "mixing": "together", "weight": "2", "keep_best_of": "scores"}.items():
        screen.field(name).enter(value)
    screen.field("sampling_temperature").enter("0.5")
    flags = ("--sampling equal", "--mixing together", "--weight first=2", "--keep-best-of scores")
    await until(pilot, lambda: all(flag in screen.command() for flag in flags))
    await pilot.press("ctrl+s")
    await shows(pilot, "\"sampling temperature\" is '0.5', but takes a number from 1 to 100")
    screen.field("sampling_temperature").enter("")
    request = check_job(screen.job()).request
    assert {name: request.mixing[name] for name in ("sampling", "mixing", "keep_best_of")} == {
        "sampling": "equal",
        "mixing": "together",
        "keep_best_of": "scores",
    }
    assert [one.weight for one in request.sources] == [2.0, 1.0]

    await pilot.press("ctrl+r")
    await until(pilot, lambda: "--sampling" not in screen.command())
    assert not check_job(screen.job()).request.sources


@pytest.mark.slow
@scenario(size=(110, 40))
async def test_another_model_teaches(pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path) -> None:
    """What it teaches is learnt, also from data without labels, whose lack stands in the form by then."""
    texts = tmp_path / "texts.csv"
    texts.write_text("text\n" + "".join(f"line {n}\n" for n in range(20)))
    screen = await open_form(pilot, "sharer")
    await until(pilot, lambda: teachers(screen))
    assert teachers(screen) == ["tutor"]
    enter(screen, data=str(texts))
    await shows(pilot, "has no column that is usually the label")
    screen.field("teacher").enter("tutor")
    screen.field("teacher_share").enter("0.25")
    shown_text = await shows(pilot, "number column", "none", "lengths")
    assert "has no label column" not in shown_text
    assert "--teacher tutor --task text-regression --teacher-share 0.25" in screen.command()
    await until(pilot, lambda: screen.is_task_settled)
    request = check_job(screen.job()).request
    assert request.task == "text-regression"
    assert request.teacher is not None
    assert (request.teacher.model, request.teacher.labelled, request.teacher.share) == ("tutor/tutor", False, 0.25)

    screen.field("teacher").enter("")
    await until(pilot, lambda: screen.columns.missing_fields)
    screen.field("task").enter("text-classification")
    await shows(pilot, "label column")
    screen.field("teacher").enter("tutor")
    await until(pilot, lambda: screen.field("teacher").has_fault)
    await until(pilot, lambda: not any(one.group == "task" and one.is_running for one in pilot.app.workers))


@pytest.mark.slow
@scenario(size=(110, 40))
async def test_who_teaches_what_the_model_learns_is_offered(
    pilot: Driver, sharer: Site, others: None, one_device: None
) -> None:
    """Each under a name of its own."""
    screen = await open_form(pilot, "sharer")
    await until(pilot, lambda: teachers(screen))
    assert sorted(teachers(screen)) == ["second/tutor", "tutor/tutor"]
    screen.field("teacher").enter("second/tutor")
    await until(pilot, lambda: "--teacher second/tutor --task text-regression" in screen.command())
    await until(pilot, lambda: not any(one.group == "task" and one.is_running for one in pilot.app.workers))


@pytest.mark.slow
@scenario(size=(110, 45))
async def test_a_weight_is_typed(pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path) -> None:
    """What is no number yet, or never becomes one, stands in the form with what is wrong."""
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    screen._add_source(Source(name="scores", data=str(scores(tmp_path)), task="text-regression"))
    screen.field("weight").editor.focus()
    await write(pilot, ".")
    await shows(pilot, "takes a number, more than 0")
    assert screen.job().source.weight == 1.0
    await write(pilot, "5")
    await until(pilot, lambda: "--weight first=0.5" in screen.command())
    assert not screen.field("weight").has_fault
    for text in ("-", "1e", "abc"):
        screen.field("weight").enter(text)
        await until(pilot, lambda: screen.field("weight").has_fault)
        assert screen.job().source.weight == 1.0


@pytest.fixture
def looks(one_device: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """When a form looked for devices."""
    looks: list[str] = []
    look = TrainScreen._find_devices

    def counted(screen: TrainScreen) -> None:
        looks.append(screen.card.name)
        look(screen)

    monkeypatch.setattr(TrainScreen, "_find_devices", counted)
    return looks


@scenario(size=(100, 30))
async def test_a_form_looks_for_devices_once(pilot: Driver, sharer: Site, looks: list[str]) -> None:
    screen = await open_form(pilot, "sharer")
    await until(pilot, lambda: teachers(screen))
    await until(pilot, lambda: not any(one.group == "devices" and one.is_running for one in pilot.app.workers))
    assert looks == ["sharer"]


@scenario(size=(100, 30))
async def test_a_model_without_a_body_to_share_has_one_source(pilot: Driver, echo: None, one_device: None) -> None:
    screen = await open_form(pilot)
    await pilot.press("ctrl+n")
    await pilot.pause(0.1)
    assert pilot.app.screen is screen
    assert "Add a source" not in screen_text(pilot)


@pytest.mark.slow
@scenario(size=(130, 45))
async def test_another_page_takes_the_place_of_both(pilot: Driver, sharer: Site, one_device: None, rows: Path) -> None:
    """What was entered on either is asked about first."""
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    await pilot.press("ctrl+n")
    await until(pilot, lambda: isinstance(pilot.app.screen, SourceScreen))
    screen.zoo.train(screen.card, "finetune")
    await shows(pilot, "Leave the form?")
    await pilot.press("y")
    await until(pilot, lambda: isinstance(pilot.app.screen, TrainScreen) and pilot.app.screen is not screen)
    assert len(pilot.app.screen_stack) == 2
