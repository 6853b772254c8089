"""What comes from outside neither runs, nor leads out of its folder, nor acts on a terminal (trust, line by line).

`COVERED` names the test of each line; those of what is shown are here, the others beside what they are about.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Select

import zoo
from tests.echo_plugin import FINETUNE, MODULE, SOURCE
from tests.plugin_site import Site, new_site
from tests.plugin_site import zoo as command
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until
from zoo.cli.exit_codes import ExitCode
from zoo.runs.events import Warned
from zoo.runs.log import append
from zoo.sanitize import plain
from zoo.tui.screens.train import TrainScreen
from zoo.tui.widgets.table import Table

ROOT = Path(__file__).parent.parent
COVERED = {
    "file names never lead out of their folder": (
        "tests/fetch/test_sources.py::test_a_name_that_leads_out_of_the_folder_is_refused",
        "tests/test_adoption.py::test_names_that_lead_out_are_never_asked_for",
        "tests/test_adoption.py::test_a_repository_that_calls_itself_by_what_is_no_name_is_refused",
        "tests/runs/test_log.py::test_names_that_could_leave_the_store_are_refused",
        "tests/runs/test_log.py::test_deleting_never_leaves_the_store",
    ),
    "bytes of another digest are never used": (
        "tests/fetch/test_verify.py::test_another_digest_is_told_with_both",
        "tests/fetch/test_sources.py::test_a_digest_that_begins_otherwise_is_refused",
    ),
    "a token stays with the Hub's own server": (
        "tests/fetch/test_hub.py::test_the_token_is_sent_to_the_hub_and_not_where_it_redirects_to",
        "tests/fetch/test_token.py::test_the_token_goes_to_the_hub_and_not_to_where_it_redirects",
    ),
    "nothing is unpickled but tensors whose digest matched": (
        "plugins/zoo-resnet/tests/test_weights.py::test_a_pickle_cannot_run_anything",
        "tests/test_adoption.py::test_a_repository_without_safetensors_is_refused",
        "tests/test_trust.py::test_tensors_are_the_only_pickles_that_are_read",
    ),
    "no code of a model repository is run": (
        "tests/test_adoption.py::test_code_of_its_own_is_refused",
        "tests/test_adoption.py::test_a_repository_that_is_marked_for_its_code_is_refused",
        "tests/test_trust.py::test_the_code_never_asks_for_code_of_a_repository",
    ),
    "installing a plugin is shown first and asked about": (
        "tests/cli/test_install.py::test_what_would_be_installed_is_shown_and_nobody_there_to_ask_means_no",
        "tests/cli/test_install.py::test_source_is_not_built_before_somebody_says_yes",
    ),
    "nothing is unpacked": ("tests/test_trust.py::test_nothing_is_unpacked",),
    "text from outside does not act on a terminal": (
        "tests/test_trust.py::test_labels_and_file_names_do_not_act_from_the_readme_of_a_result",
        "tests/test_sanitize.py::test_plain_keeps_the_words_and_nothing_that_acts",
        "tests/cli/test_plugins.py::test_the_failure_of_a_plugin_cannot_act_on_the_terminal",
        "tests/test_trust.py::test_what_commands_print_does_not_act",
        "tests/test_trust.py::test_cards_do_not_act_on_the_terminal_ui",
        "tests/test_trust.py::test_runs_do_not_act_on_the_terminal_ui",
        "tests/test_trust.py::test_columns_do_not_act_on_the_terminal_ui",
        "tests/test_trust.py::test_folders_do_not_act_on_the_terminal_ui",
    ),
}
ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
EVIL = "[red]x[/red]\x1b[2J\x1b]0;owned\x07\x9b31m\u202e[/]\nerror: forged"
EVIL_SHOWN = "[red]x[/red][/] error: forged"


@pytest.mark.parametrize("test", sorted({test for tests in COVERED.values() for test in tests}))
def test_every_line_has_its_test(test: str) -> None:
    path, _, name = test.partition("::")

    assert re.search(rf"def {name}\(", (ROOT / path).read_text(encoding="utf-8"))


@functools.cache
def modules() -> dict[str, ast.Module]:
    """The code of the product and of the plugins that come with it, parsed once for all tests."""
    folders = (ROOT / "zoo", *(ROOT / "plugins").glob("*/zoo_*"))
    paths = (path for folder in folders for path in folder.rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@functools.cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """Every call in it: the file, the dotted name of what is called, and the call."""
    return tuple(
        (path, ast.unparse(node.func), node)
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    )


@functools.cache
def names() -> dict[str, frozenset[str]]:
    """Of each file, the modules that it imports and the dotted names that it calls."""
    found: dict[str, set[str]] = {path: set() for path in modules()}
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found[path] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found[path].add(str(node.module))
    for path, called, _ in calls():
        found[path].add(called)
    return {path: frozenset(there) for path, there in found.items()}


def uses_of(unsafe: set[str]) -> dict[str, set[str]]:
    """The files that use any of these names, and which."""
    return {path: used for path, there in names().items() if (used := unsafe & there)}


def settings_of(call: ast.Call) -> dict[str | None, str]:
    """What is given to a call by name."""
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def test_nothing_is_unpacked() -> None:
    unpacking = {"zipfile", "tarfile", "shutil.unpack_archive", "unpack_archive", "gzip", "bz2", "lzma"}

    assert uses_of(unpacking) == {
        "zoo/testing/leaving.py": {"zipfile"},  # which looks into archives for pickles
        "zoo/replaying/bundle.py": {"zipfile"},  # which writes archives
        "zoo/replaying/unpacking.py": {"zipfile"},  # which streams what an archive lists, by safe names, up to a size
        "zoo/fetch/wheel.py": {"zipfile"},  # which streams members of a wheel, by name, up to a size
    }
    extracting = {"extract", "extractall"}
    assert [path for path, there in names().items() if extracting & {name.rpartition(".")[2] for name in there}] == []


def test_tensors_are_the_only_pickles_that_are_read() -> None:
    loading = {"pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "dill.load", "numpy.load", "np.load"}

    assert uses_of(loading) == {
        "zoo/runs/inspecting/vectors.py": {"np.load"}  # of a run's own arrays of numbers, and of nothing pickled
    }
    arrays = [settings_of(call) for _, called, call in calls() if called == "np.load"]
    assert arrays == [{"allow_pickle": "False"}] * len(arrays)
    loads = [settings_of(call) for _, called, call in calls() if called == "torch.load"]
    assert loads
    assert [settings.get("weights_only") for settings in loads] == ["True"] * len(loads)


def test_the_code_never_asks_for_code_of_a_repository() -> None:
    asked = {settings.get("trust_remote_code", "False") for settings in (settings_of(call) for *_, call in calls())}

    assert asked <= {"False"}
    assert uses_of({"eval", "exec", "torch.hub.load", "os.system"}) == {}


HOSTILE = SOURCE.replace(
    'summary="counts words; learns in an instant"',
    f"summary={EVIL!r}, labels=({EVIL!r},), source_url={EVIL!r}",
)
HOSTILE = HOSTILE.replace('"Apache-2.0"', repr(EVIL)).replace(
    FINETUNE, f"{FINETUNE}    print({EVIL!r})\n    print('x\\rerror: forged')\n"
)
HOSTILE = HOSTILE.replace('"Pause after each step."', repr(EVIL))


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A plugin whose every word wants to act."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("echo", HOSTILE, module=MODULE)
        site.install("bad", f"raise RuntimeError({EVIL!r})")
        yield site


def write_rows(folder: Path) -> Path:
    """A data set whose file name, labels and third column want to act."""
    path = folder / "[red]rows[red]\x1b[2J\u202e.csv"
    evil = '"' + EVIL + '"'
    rows = [f"good fine {i},{evil},1\nbad awful {i},[b]bad[/b],1\n" for i in range(20)]
    path.write_text(f"text,label,{evil}\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_what_commands_print_does_not_act(hostile: Site, tmp_path: Path) -> None:
    data = write_rows(tmp_path)
    finetune = command("finetune", "echo", "--data", str(data), "--name", "evil", "--device", "cpu")
    commands = (
        ["ls"],
        ["ls", "--json"],
        ["plugins"],
        ["show", "echo"],
        ["show", "evil"],
        ["finetune", "echo", "--help"],
        ["data", "inspect", str(data)],
        ["runs"],
        ["logs", "evil"],
        ["attach", "evil"],
        ["predict", "evil", f"good {EVIL}"],
        ["predict", "evil", "--json", f"good {EVIL}"],
        ["evaluate", "evil", "--data", str(data)],
        ["show", EVIL.replace("\x00", "")],
    )
    outputs = [command(*words) for words in commands]

    assert finetune.returncode == ExitCode.OK, finetune.stderr
    for done in (finetune, *outputs):
        assert ACTS.findall(done.stdout + done.stderr) == [], done.args
        assert "Traceback" not in done.stderr
    by_words = {tuple(words[:2]): done.stdout for words, done in zip(commands, outputs, strict=True)}
    for words in (("show", "echo"), ("predict", "evil"), ("data", "inspect")):
        lines = by_words[words].splitlines()
        assert any("[red]x[/red]" in line for line in lines), words
        assert not any(line.startswith("error: forged") for line in lines), words


def assert_harmless(pilot: Driver) -> str:
    """Nothing on the screen acts; returns what stands there, on one line."""
    text = screen_text(pilot)
    assert ACTS.findall(text.replace("\n", "")) == [], text
    assert [notice for notice in notices(pilot) if ACTS.search(notice.replace("\n", ""))] == []
    return " ".join(text.split())


@scenario(size=(140, 40))
async def test_cards_do_not_act_on_the_terminal_ui(pilot: Driver, hostile: Site) -> None:
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    await shows(pilot, "echo", "[red]x[/red]")
    assert_harmless(pilot)
    await pilot.press("enter")
    await shows(pilot, "[red]x[/red]")
    assert_harmless(pilot)
    await pilot.press("escape", "4")
    await shows(pilot, "bad", f"RuntimeError: {EVIL_SHOWN}")
    assert_harmless(pilot)


@pytest.mark.slow
@scenario(size=(140, 40))
async def test_runs_do_not_act_on_the_terminal_ui(pilot: Driver, hostile: Site, tmp_path: Path) -> None:
    run = zoo.finetune("echo", write_rows(tmp_path), device="cpu", precision="fp32", name="evil")
    run.wait(progress=False)
    append(run.folder, Warned(message=EVIL))
    await pilot.press("2")
    await shows(pilot, "evil")
    assert_harmless(pilot)
    await pilot.press("enter")
    await shows(pilot, "[red]x[/red]")
    assert_harmless(pilot)
    for key in ("right", "l", "tab", "w", "c", "o"):
        await pilot.press(key)
        await pilot.pause(0.2)
        assert_harmless(pilot)


@pytest.mark.slow
@scenario(size=(140, 50))
async def test_columns_do_not_act_on_the_terminal_ui(pilot: Driver, hostile: Site, tmp_path: Path) -> None:
    data = write_rows(tmp_path)
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    await shows(pilot, "echo")
    table = pilot.app.screen.query_one(Table)
    table.cursor = next(place for place, line in enumerate(table.rows) if line.card.name == "echo")
    await pilot.press("f")
    await shows(pilot, "finetune echo")
    screen = pilot.app.screen
    assert isinstance(screen, TrainScreen)
    screen.field("data").editor.value = str(data)  # type: ignore[attr-defined]
    await shows(pilot, "from 'text'", "[red]x[/red]")
    assert_harmless(pilot)
    chooser = screen.field("label").editor
    assert isinstance(chooser, Select)
    chooser.focus()
    await pilot.press("enter")
    await shows(pilot, EVIL_SHOWN)
    assert_harmless(pilot)
    await pilot.press("end", "enter")
    await pilot.pause(0.3)
    assert "▼" in assert_harmless(pilot)
    assert screen.value("label") == "[red]x[/red][2J]0;owned31m[/]\nerror: forged"  # as tables name their columns


@scenario(size=(140, 40))
async def test_folders_do_not_act_on_the_terminal_ui(pilot: Driver, hostile: Site, tmp_path: Path) -> None:
    from zoo.tui.screens.pick import PickScreen

    folder = write_rows(tmp_path).rename(tmp_path / f"{EVIL.replace('/', '')}.csv").parent / f"d{EVIL.replace('/', '')}"
    folder.mkdir()
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    pilot.app.push_screen(PickScreen(str(tmp_path)))
    await shows(pilot, "Take this folder", "[red]x[red]")
    assert_harmless(pilot)
    await pilot.app.pop_screen()
    pilot.app.push_screen(PickScreen(str(folder)))
    await shows(pilot, "d[red]x[red]")
    assert_harmless(pilot)


@pytest.mark.slow
def test_labels_and_file_names_do_not_act_from_the_readme_of_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_PLUGINS", "echo")
    rows = tmp_path / "ro\x1b[2Jws.csv"
    rows.write_text("text,label\n" + "good,fi\x1b[31mne\x07\nbad,`wo|rse`\n" * 8, encoding="utf-8")
    run = zoo.finetune("echo", rows, device="cpu", precision="fp32").wait(progress=False)
    inspected = command("data", "inspect", str(rows))

    readme = (run.folder.model_folder / "README.md").read_text(encoding="utf-8")
    assert "`'wo|rse'`, `fine`" in readme
    assert "| file | rows.csv |" in readme
    assert plain(readme) == readme
    assert "8 rows hold control characters" in inspected.stdout + inspected.stderr
