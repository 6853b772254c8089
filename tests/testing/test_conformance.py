"""The contract as tests: a plugin that breaks one promise fails the test of that promise."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from tests.echo_plugin import MODULE, SOURCE
from tests.plugin_factory import write_plugin
from zoo.testing.leaving import is_pickle

pytestmark = pytest.mark.slow

SUBCLASS = """
from zoo.testing import PluginConformance


class TestEcho(PluginConformance):
    plugin = "{plugin}"
    model = "echo"
    lacks = frozenset({lacks})
    options = {{"pause_ms": {pause}}}
"""
LACKS = {"pretrain", "gradients"}
PAUSE_MS = 20
"""After each step, so that there is time to interrupt a run."""
INTERRUPTING = ("stops_within_seconds", "killed_run_resumes")


def outcomes(folder: Path, source: str, tests: str, lacks: set[str] = LACKS) -> tuple[set[str], set[str], str]:
    """Names of the tests that passed and of those that did not, and what pytest printed."""
    write_plugin(folder, "echo", source, module=MODULE)
    (folder / "test_echo.py").write_text(SUBCLASS.format(plugin="echo", lacks=sorted(lacks), pause=PAUSE_MS))
    done = run_pytest(folder, "-rA", "-k", tests)
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", done.stdout, flags=re.MULTILINE)
    passed = {name for outcome, name in outcomes if outcome == "PASSED"}
    return passed, {name for _, name in outcomes} - passed, done.stdout + done.stderr


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Test the plugins of a folder in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--rootdir=.", *words],
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
        cwd=folder,
        env=dict(os.environ) | {"PYTHONPATH": str(folder)},
    )


def changed(*pairs: tuple[str, str]) -> str:
    """The echo plugin with some of its text replaced."""
    source = SOURCE
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new, 1)
    return source


BROKEN = {
    "imports what is heavy": (
        "importing_the_plugin",
        changed(("import zoo\n", "import zoo\nimport numpy\n")),
        " imports numpy: do so inside the hooks",
    ),
    "imports what is heavy by its name": (
        "importing_the_plugin",
        changed(("import zoo\n", "import zoo\nimport importlib\nimportlib.import_module('yaml')\n")),
        " imports yaml: do so inside the hooks",
    ),
    "reaches for the network to describe its models": (
        "described_offline",
        changed(
            (
                "    return [\n",
                "    import contextlib, socket\n    with contextlib.suppress(OSError):\n"
                "        socket.create_connection(('127.0.0.1', 9))\n    return [\n",
            )
        ),
        "describing the models is pure",
    ),
    "describes itself with control sequences": (
        "text_of_cards",
        changed(('summary="counts', 'summary="\\x1b[2Jcounts')),
        "control characters",
    ),
    "has an option without bounds": (
        "help_and_bounds",
        changed(("Annotated[bool, zoo.option(", "Annotated[int, zoo.option("), ("] = False", "] = 0")),
        "option deaf to finetune echo has no bounds",
    ),
    "learns nothing": (
        "lowers_the_loss",
        changed(("of_label.get(word, 0) + 1", "0")),
        "the loss did not fall",
    ),
    "reports a step twice": (
        "events_come_in_order",
        changed(("run.report_step(step,", "run.report_step(step - step % 2,")),
        "steps are reported in order",
    ),
    "never looks whether to stop": (
        "stops_within_seconds",
        changed(("if run.should_stop() and not options.deaf", "if False")),
        "it should have been cancelled",
    ),
    "begins anew when it is resumed": (
        "killed_run_resumes",
        changed(("if newest is None:", "if True:")),
        "it began anew",
    ),
    "forgets something in its checkpoints": (
        "killed_run_resumes",
        changed(
            ("                write(folder, counts)", "                write(folder, {label: {} for label in counts})")
        ),
        "the bits of one that was never interrupted",
    ),
    "trains in a dry run": (
        "dry_run",
        changed(("if run.dry_run:", "if False:")),
        "with run.dry_run set, fit ends before its first step",
    ),
    "loses label names": (
        "label_names_survive",
        changed(("report=metrics.report(), labels=run.labels", "labels=tuple(str(i) for i in range(3))")),
        "by their names",
    ),
    "leaves out what it cannot answer": (
        "rejected_in_their_place",
        changed(
            ("return [self._answer(text) for text in inputs]", "return [self._answer(t) for t in inputs if t != 7]")
        ),
        " gave 12 answers to 13 inputs",
    ),
    "repeats control characters": (
        "rejected_in_their_place",
        changed(('f"the input is {type(text).__name__}, not text"', 'f"{text}\\x1b[2J is no text"')),
        "acts on the terminal",
    ),
    "mixes up the order of the answers": (
        "order_of_the_inputs",
        changed(("return [self._answer(text) for text in inputs]", "return [self._answer(t) for t in sorted(inputs)]")),
        "instead of",
    ),
    "reads the padding of short texts": (
        "depend_on_its_neighbours",
        changed(
            (
                "return [self._answer(text) for text in inputs]",
                "width = max([len(str(t).split()) for t in inputs], default=0)\n"
                "        return [self._answer(t + ' refund' * (width > 60 and len(t.split()) == 1)) for t in inputs]",
            )
        ),
        "instead of",
    ),
    "lets an answer depend on its neighbours": (
        "depend_on_its_neighbours",
        changed(
            (
                "return [self._answer(text) for text in inputs]",
                "return [self._answer(t + ' refund' * (len(inputs) > 3)) for t in inputs]",
            )
        ),
        "instead of",
    ),
    "gives probabilities that are none": (
        "kind_of_the_task",
        changed(("weight / total)", "weight)")),
        "add up to 1",
    ),
    "writes where one happens to be": (
        "where_they_belong",
        changed(("run.model_folder.mkdir(exist_ok=True)", "run.model_folder.mkdir()\n        Path('runs').mkdir()")),
        "here/runs; what it may write to is run.model_folder",
    ),
    "writes into the folder of the run": (
        "where_they_belong",
        changed(
            (
                "run.model_folder.mkdir(exist_ok=True)",
                "run.model_folder.mkdir()\n        (run.folder / 'notes.txt').write_text('x')",
            )
        ),
        "conformance/notes.txt; what it may write to is run.model_folder",
    ),
    "pickles its result": (
        "holds_no_pickle",
        changed(
            (
                "write(run.model_folder, counts)",
                "write(run.model_folder, counts)\n        import pickle\n"
                "        (run.model_folder / 'model.bin').write_bytes(pickle.dumps(counts))",
            )
        ),
        "the result holds model.bin",
    ),
    "keeps something else than it learnt": (
        "result_does_as_its_run_said",
        changed(
            ("write(run.model_folder, counts)", "write(run.model_folder, dict(zip(counts, reversed(counts.values()))))")
        ),
        "is not what the run told of it",
    ),
}


class Outcome(NamedTuple):
    """What the tests of one plugin came to."""

    passed: list[str]
    failed: list[str]
    printed: str


@pytest.fixture(scope="module")
def of_broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """By fault; one process tests all these plugins, as it takes longer to start than to test one."""
    folder = tmp_path_factory.mktemp("broken")
    names = {fault: f"broken{number:02}" for number, fault in enumerate(BROKEN)}
    for fault, name in names.items():
        test, source, _ = BROKEN[fault]
        write_plugin(folder, name, source, module=name)
        pause = PAUSE_MS if test in INTERRUPTING else 0
        (folder / f"test_{name}.py").write_text(SUBCLASS.format(plugin=name, lacks=sorted(LACKS), pause=pause))
    selection = " or ".join(f"(test_{name} and {BROKEN[fault][0]})" for fault, name in names.items())
    report = folder / "report.xml"
    run_pytest(folder, "-k", selection, f"--junitxml={report}")
    cases = list(ElementTree.parse(report).iter("testcase"))
    return {
        fault: outcome_of([case for case in cases if name in case.attrib["classname"]]) for fault, name in names.items()
    }


def outcome_of(cases: list[Element]) -> Outcome:
    """Of tests as a report has them."""
    whys = [
        (case.attrib["name"], [one.text or "" for one in case if one.tag in ("failure", "error")]) for case in cases
    ]
    passed = [case.attrib["name"] for case in cases if not len(case)]
    return Outcome(passed, [name for name, why in whys if why], "\n".join(text for _, why in whys for text in why))


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_promise_fails_its_test(fault: str, of_broken: dict[str, Outcome]) -> None:
    outcome = of_broken[fault]

    assert outcome.passed == [], outcome.printed
    assert outcome.failed != [], outcome.printed
    assert BROKEN[fault][2] in outcome.printed


@pytest.mark.parametrize(
    ("lacks", "test"),
    [
        (LACKS - {"pretrain"}, "test_what_the_model_lacks_is_declared"),
        (LACKS | {"predict"}, "test_what_the_model_lacks_is_declared"),
        (LACKS | {"steps"}, "test_training_lowers_the_loss"),
        (LACKS | {"speed"}, "test_what_the_model_lacks_is_declared"),
    ],
)
def test_a_lack_is_declared_and_true(lacks: set[str], test: str, tmp_path: Path) -> None:
    _, failed, printed = outcomes(tmp_path, SOURCE, test, lacks)

    assert failed == {test}, printed


def test_to_look_for_a_package_is_not_to_import_it(tmp_path: Path) -> None:
    looks = "import importlib.util\nHAS = importlib.util.find_spec('yaml')\n"
    tries = "try:\n    import there_is_no_such_package\nexcept ImportError:\n    pass\n"
    passed, _, printed = outcomes(tmp_path, changed(("import zoo\n", f"import zoo\n{looks}{tries}")), "importing_the")

    assert passed == {"test_importing_the_plugin_is_light"}, printed


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_python_compiles_is_not_the_plugins_doing(
    elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "compiled") if elsewhere else "")
    (tmp_path / "imported_late.py").write_text("")
    late = "run.model_folder.mkdir(exist_ok=True)"
    source = changed((late, f"import imported_late\n        {late}"))
    passed, _, printed = outcomes(tmp_path, source, "where_they_belong")

    assert passed == {"test_files_are_written_where_they_belong"}, printed
    assert [path.name for path in tmp_path.rglob("imported_late.*.pyc")], printed


def test_a_sound_plugin_passes_and_its_lacks_are_told(tmp_path: Path) -> None:
    passed, failed, printed = outcomes(tmp_path, SOURCE, "test_")

    assert failed == set(), printed
    assert len(passed) > 15
    assert "echo is declared to lack pretrain" in printed


def test_a_pickle_is_known_by_what_it_holds(tmp_path: Path) -> None:
    array = np.arange(3.0)
    np.save(tmp_path / "numbers.npy", array)
    np.savez(tmp_path / "numbers.npz", array=array)
    (tmp_path / "model.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    sound = [path for path in tmp_path.iterdir() if is_pickle(path)]

    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    np.savez(tmp_path / "objects.npz", array=np.array([{}], dtype=object))
    (tmp_path / "model.bin").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "model.joblib").write_bytes(b"compressed")
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"a": 1}))

    assert sound == []
    assert {"objects.npy", "objects.npz", "model.bin", "model.joblib", "model.pt"} == {
        path.name for path in tmp_path.iterdir() if is_pickle(path)
    }
