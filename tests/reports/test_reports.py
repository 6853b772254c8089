"""A report is one file that needs nothing from elsewhere, says what is known, and shows text as text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid, StoreInvalid, Unsupported
from zoo.rendering.plot import round_figures
from zoo.runs.events import EvaluationCompleted, RunFailed, RunFinished, RunLaunched, RunStarted, StepCompleted, Warned
from zoo.runs.log import append
from zoo.runs.store import RunFolder

HOSTILE = "<script>alert(1)</script><img src=https://e.org/x.png onerror=alert(1)> & \x1b[2J \"quoted'"


class Page(HTMLParser):
    """Collects elements with their attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.styles = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles += data
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(self.text)


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page._open == []
    return page


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h4", "p", "b", "br", "pre", "div", "span", "mark"),
    *("nav", "a", "section", "footer", "table", "tr", "td", "th", "figure", "figcaption", "img"),
    *("svg", "text", "rect", "line", "polyline", "circle"),
}
LOADING = {"srcset", "action", "data", "poster", "background", "xlink:href"}


def check_self_contained(page: Page) -> None:
    """Nothing is loaded: there is no script, no link but within the page, no picture or style but in it."""
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in LOADING]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")
        assert "url(" not in (attributes.get("style") or "")
        assert tag != "meta" or attributes.get("http-equiv") in (None, "Content-Security-Policy")
    assert "url(" not in page.styles
    assert "@import" not in page.styles


def mistake(text: str, label: str) -> str:
    """A line of the file of wrong answers."""
    answer = {"scores": [{"label": label, "probability": 0.9}]}
    return json.dumps({"row": 3, "label": label, "input": text, "prediction": answer}) + "\n"


def edit_request(folder: RunFolder, **changes: object) -> None:
    request = json.loads(folder.request_path.read_bytes())
    folder.request_path.write_text(json.dumps(request | changes))


@pytest.fixture
def run(words: str) -> zoo.Run:
    return zoo.open_run(words)


def test_a_report_has_all_that_is_known_and_needs_nothing_from_elsewhere(run: zoo.Run, tmp_path: Path) -> None:
    (written,) = run.save_report(html=tmp_path / "words.html")
    page = read(written)

    check_self_contained(page)
    titles = re.findall("<h2>(.*?)</h2>", written.read_text())
    assert titles == ["Result", "Curves", "Evaluation", "Data", "Settings", "Environment", "Run it again"]
    request = run.folder.request
    data = [request.data.sha256, "rows.csv", "positive"]
    for known in [*run.metrics, *data, "Confusion", f"zoo replay {run.name}", "zoo.run_recipe("]:
        assert known in page.words
    assert sum(tag == "svg" for tag, _ in page.elements) == 1
    assert request.versions["python"] in page.words


def test_text_from_outside_is_text(run: zoo.Run, tmp_path: Path) -> None:
    edit_request(run.folder, model=f"echo/{HOSTILE}", device_reason=HOSTILE, task_reason=HOSTILE)
    (run.folder.path / "recipe.toml").write_text(HOSTILE)
    run.folder.mistakes_path.write_text(mistake(HOSTILE, HOSTILE))
    run.folder.quarantine_path.write_text(json.dumps({"file": HOSTILE, "row": 1, "reason": HOSTILE}) + "\n")
    append(run.folder, Warned(message=HOSTILE))
    page = read(run.save_report(html=tmp_path / "words.html")[0])

    check_self_contained(page)
    assert page.words.count("<script>alert(1)</script>") > 5
    assert "Answered wrongly, the worst first" in page.words
    assert "\x1b" not in page.words


def test_labels_in_doubt_are_shown(run: zoo.Run, tmp_path: Path) -> None:
    doubt = {"row": 7, "input": HOSTILE, "label": "positive", "proposed": "negative"}
    sureness = {"label_probability": 0.1, "proposed_probability": 0.9}
    (run.folder.path / "doubtful_labels.jsonl").write_text(json.dumps(doubt | sureness) + "\n")
    page = read(run.save_report(html=tmp_path / "words.html")[0])
    check_self_contained(page)
    assert "negative (90.0%)" in page.text


@pytest.mark.parametrize(
    ("changes", "command", "call"),
    [
        (
            {"verb": "evaluate", "out": "/a/wrong.csv", "by": "shop", "changed_options": {"abstain": 0.05}},
            "zoo evaluate echo/words --data /a/rows.csv --input body --by shop --errors /a/wrong.csv --abstain 0.05",
            "zoo.evaluate('echo/words', '/a/rows.csv', columns={'input': 'body'}, ",
        ),
        (
            {"verb": "predict", "out": "/a/answers.csv", "keep": ["id", "shop"]},
            "zoo predict echo/words --file /a/rows.csv --input body --out /a/answers.csv --keep id,shop",
            "zoo.predict_file('echo/words', '/a/rows.csv', ",
        ),
        (
            {"verb": "audit", "own_rows": True, "auditing": {"shadows": 8}},
            "zoo audit echo/words --input body --shadows 8",
            "zoo.audit('echo/words', columns={'input': 'body'}, ",
        ),
    ],
)
def test_a_report_says_how_to_ask_for_the_same(
    run: zoo.Run, tmp_path: Path, changes: dict[str, object], command: str, call: str
) -> None:
    data = {"path": "/a/rows.csv", "columns": {"input": "body"}}
    usual = {"device_asked": "auto", "precision_asked": "auto", "task": ""}
    edit_request(run.folder, model="echo/words", data=data, **usual, **changes)
    (run.folder.path / "recipe.toml").unlink()
    page = read(run.save_report(html=tmp_path / "words.html")[0])
    assert command in page.text
    assert call in page.words


def test_of_a_private_run_no_row_is_shown(run: zoo.Run, tmp_path: Path) -> None:
    run.folder.mistakes_path.write_text(mistake("secret words", "positive"))
    run.folder.quarantine_path.write_text(json.dumps({"file": "rows.csv", "row": 1, "reason": "secret reason"}) + "\n")
    append(run.folder, Warned(message="secret finding"))
    shown = read(run.save_report(html=tmp_path / "shown.html")[0]).words
    assert [word for word in ("secret words", "secret reason", "secret finding") if word not in shown] == []

    edit_request(run.folder, options=run.folder.request.options | {"private": "eps=8"})
    hidden = read(run.save_report(html=tmp_path / "hidden.html")[0]).words
    assert "secret" not in hidden
    assert run.folder.request.data.sha256[:12] in shown
    assert run.folder.request.data.sha256[:12] not in hidden
    assert "none of its rows is shown" in hidden

    append(run.folder, RunFailed(kind="DatasetInvalid", message="row 3 says secret words", hint="secret"))
    failed = read(run.save_report(html=tmp_path / "failed.html")[0]).words
    assert "DatasetInvalid" in failed
    assert "secret" not in failed


@pytest.mark.parametrize("private", [False, True])
def test_clients_that_are_protected_are_not_named(run: zoo.Run, tmp_path: Path, private: bool) -> None:
    clients = [{"name": name, "data": {"path": f"/clients/{name}.csv", "sha256": "5" * 64}} for name in ("Ann", "Bob")]
    options = run.folder.request.options | ({"private": "eps=8"} if private else {})
    edit_request(run.folder, verb="federate", federation={"clients": clients}, options=options)
    run.folder.events_path.unlink()
    append(run.folder, RunStarted(pid=1, device="cpu", precision="fp32"))
    for step in (1, 2):
        append(run.folder, EvaluationCompleted(step=step, metrics={"accuracy": 0.25}, rows=8))
        for name in ("Ann", "Bob"):
            append(run.folder, EvaluationCompleted(step=step, metrics={"accuracy": 0.125}, rows=4, source=name))
    words = read(run.save_report(html=tmp_path / "page.html")[0]).words
    told = [word for word in ("Ann", "Bob", "0.125", "55555") if word in words]
    assert told == ([] if private else ["Ann", "Bob", "0.125", "55555"])
    assert "0.25" in words
    if private:
        with pytest.raises(Unsupported, match="only a finished run"):
            zoo.bundle(run, tmp_path / "clients.zip")
        append(run.folder, RunFinished(metrics={"accuracy": 0.25}))
        with pytest.raises(Unsupported, match="protects its clients"):
            zoo.bundle(run, tmp_path / "clients.zip")


def stepped(step: int) -> StepCompleted:
    return StepCompleted(step=step, steps=9, epoch=0.1, loss=1.0 / step, lr=1e-3, grad_norm=None, samples_per_s=5.0)


@pytest.fixture
def unfinished(run: zoo.Run) -> zoo.Run:
    """A run of which there are two points."""
    run.folder.events_path.unlink()
    append(run.folder, RunLaunched())
    append(run.folder, RunStarted(pid=1, device="cpu", precision="fp32", processor="a processor", threads=3))
    for step in (1, 2):
        append(run.folder, stepped(step))
        append(run.folder, EvaluationCompleted(step=step, metrics={"accuracy": 0.5, "f1": 0.4}, rows=8))
    return run


def test_a_run_that_failed_has_a_report_that_says_why(unfinished: zoo.Run, tmp_path: Path) -> None:
    append(unfinished.folder, RunFailed(kind="DatasetInvalid", message="the rows are gone", hint="bring them back"))
    page = read(unfinished.save_report(html=tmp_path / "failed.html")[0])

    check_self_contained(page)
    assert "the rows are gone. bring them back" in page.words
    assert "What went wrong" in page.words
    assert "a processor" in page.words
    assert {"loss 0.5", "accuracy on held-out rows 0.5", "f1 on held-out rows 0.4"} <= set(page.text)


def test_a_run_without_any_event_has_a_report(unfinished: zoo.Run, tmp_path: Path) -> None:
    unfinished.folder.events_path.unlink()
    page = read(unfinished.save_report(html=tmp_path / "created.html")[0])
    assert "There are no figures." in page.words
    assert "zoo replay words" in page.words


def test_curves_are_written_as_a_picture(unfinished: zoo.Run, tmp_path: Path) -> None:
    (written,) = unfinished.save_report(png=tmp_path / "curves.png")
    with Image.open(written) as picture:
        assert picture.size == (2 * 640, 2 * 400)
        assert len(picture.convert("RGB").getcolors(1 << 16) or []) > 3
    unfinished.save_report(png=written)  # one of zoo's own is written anew

    unfinished.folder.events_path.unlink()
    with pytest.raises(Unsupported, match="has no curves"):
        unfinished.save_report(png=written)


def test_nothing_but_a_report_is_overwritten(run: zoo.Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("a thesis")
    with pytest.raises(OptionInvalid, match="is no report of zoo"):
        run.save_report(html=page)
    assert page.read_text() == "a thesis"

    page.unlink()
    run.save_report(html=page)
    run.save_report(html=page)
    for wrong in ("", "-", tmp_path / "nowhere" / "a.html", 3):
        with pytest.raises(OptionInvalid):
            run.save_report(html=wrong)  # type: ignore[arg-type]
    run.folder.request_path.write_text("{")
    with pytest.raises(StoreInvalid):
        run.save_report(html=page)


def test_the_command_writes_and_says_where(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, curves = tmp_path / "page.html", tmp_path / "curves.png"
    assert main(["report", words, "--html", str(page), "--png", str(curves)]) == ExitCode.OK
    assert capsys.readouterr().out == f"{page}\n{curves}\n"
    assert main(["report", words, "--html", str(page), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {"run": words, "files": [str(page)]}

    assert main(["report", words]) == ExitCode.USAGE
    assert "nothing is named to write" in capsys.readouterr().err
    assert main(["report", "nobody", "--html", str(page)]) == ExitCode.USAGE


def test_a_notebook_shows_a_report_block_by_block(run: zoo.Run) -> None:
    html = run.report._repr_html_()
    assert html.startswith("<div><h4>")
    assert run.report == run.snapshot.report
    assert "Confusion" in html


@pytest.mark.parametrize(
    ("low", "high", "figures"),
    [
        (0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (1, 40, (10, 20, 30, 40)),
        (0.5, 0.5, (0.5,)),
        (-1e308, 1e308, (-1e308, 1e308)),
        (1.0, 1.0 + 2e-16, (1.0, 1.0 + 2e-16)),
    ],
)
def test_axes_have_round_figures(low: float, high: float, figures: tuple[float, ...]) -> None:
    assert round_figures(low, high) == pytest.approx(figures)
