"""What is typed with a slip, or as other tools call it, leads to what was meant; nothing is guessed that may differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import zoo as run_zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

HERE = ("--device", "cpu", "--precision", "fp32")


@pytest.mark.parametrize(
    ("typed", "error", "hint"),
    [
        ("train", "there is no command 'train'", "zoo finetune trains on labelled data"),
        ("fine-tune", "there is no command 'fine-tune'", "did you mean zoo finetune?"),
        ("inspect", "there is no command 'inspect'", "zoo data inspect looks at a data set"),
        ("list", "there is no command 'list'", "did you mean zoo ls?"),
        ("delete words", "there is no command 'delete'", "did you mean zoo rm?"),
        ("help", "there is no command 'help'", "zoo COMMAND --help"),
        ("ls --task text-clasification", "there is no task 'text-clasification'", "did you mean text-classification"),
        ("cache list", "'list' is not one of ls, verify, rm, prune", "did you mean ls?"),
        ("plugins list", "'list' is not one of enable, disable, restore, new", "such as zoo plugins"),
        ("data rows.csv", "'rows.csv' is not one of inspect", "such as zoo data inspect reviews.csv"),
        ("ls --plugin ecko", "there is no plugin 'ecko'", "did you mean echo?"),
        ("--vesion", "there is no option '--vesion'", "did you mean --version?"),
        ("finetune echo --epohcs 3", "there is no option '--epohcs'", "did you mean --epochs?"),
        ("finetune echo --epohcs=3", "there is no option '--epohcs'", "did you mean --epochs?"),
        ("finetune echo --learning-rat 3", "there is no option '--learning-rat'", "did you mean --lr?"),
        ("finetune echo --warmup-steps 3", "there is no option '--warmup-steps'", "did you mean --warmup? Share of"),
        ("finetune echo --train x.csv", "there is no option '--train'", "did you mean --data?"),
        ("finetune echo --gpu", "there is no option '--gpu'", "did you mean --device cuda?"),
        ("finetune echo --model bert", "there is no option '--model'", "without a flag: zoo finetune MODEL"),
        ("finetune echo --data x.csv --processes two", "--processes is 'two'", "Processes on a machine"),
        ("finetune echo --data rows.csv --schedule linaer", "--schedule is 'linaer'", "did you mean linear?"),
        ("finetune echo --data rows.csv --eval 0.2", "the evaluation data is 0.2", "say --eval-share 0.2"),
        ("finetune echo --data rows.csv --device gpu", "--device is 'gpu'", "auto takes a GPU"),
        ("finetune echo --data rows.csv --precision half", "--precision is 'half'", "did you mean fp16?"),
        ("predict words --output x.csv", "there is no option '--output'", "did you mean --out?"),
        ("predict words --file - --input text", "stdin is read line by line", "--file FILE"),
    ],
)
@pytest.mark.usefixtures("echo")
def test_a_slip_leads_to_what_was_meant(
    typed: str,
    error: str,
    hint: str,
    rows: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(rows.parent)

    assert main(typed.replace("predict words", "predict echo").split()) == ExitCode.USAGE

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {error}")
    assert hint in lines[1]


@pytest.mark.parametrize(
    ("typed", "error", "hint"),
    [
        ("finetune echo --data rosw.csv", "there is no file or folder", "did you mean rows.csv?"),
        ("finetune echo --data no/where/rows.csv", "there is no file or folder", "there is no folder no/where either"),
        ("finetune echo --data https://example.org/rows.csv", "https:", "download it first"),
        ("finetune echo --data -", "stdin cannot serve here", "save it as a file"),
        ("data inspect rosw.csv", "there is no file or folder", "did you mean rows.csv?"),
        ("data inspect -", "stdin cannot serve here", "save it as a file"),
    ],
)
@pytest.mark.usefixtures("echo")
def test_data_that_is_not_there_leads_to_what_is(
    typed: str,
    error: str,
    hint: str,
    rows: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(rows.parent)

    assert main(typed.split()) == ExitCode.DATA

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {error}")
    assert hint in lines[1]


@pytest.mark.usefixtures("echo")
def test_a_file_that_is_called_like_a_number_is_a_file(
    rows: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rows.parent)
    Path("0.2").mkdir()

    assert main(["finetune", "echo", "--data", str(rows), "--eval", "0.2"]) == ExitCode.DATA
    assert "--eval-share" not in capsys.readouterr().err


@pytest.mark.usefixtures("echo")
def test_other_spellings_of_the_same_are_taken(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = ("--learning-rate", "0.5", "--num_train_epochs=3"), ("--pause_ms", "0", "--name", "words")

    assert main(["finetune", *before, "echo", *after, "--data", str(rows), "-q", *HERE]) == ExitCode.OK

    options = json.loads(zoo.open_run("words").folder.request_path.read_bytes())["options"]
    assert (options["lr"], options["epochs"], options["pause_ms"]) == (0.5, 3.0, 0)


@pytest.mark.usefixtures("echo")
def test_python_knows_the_same_words(rows: Path) -> None:
    with pytest.raises(zoo.OptionInvalid, match=r"(?s)no option 'epohcs'.*did you mean epochs"):
        zoo.finetune("echo", rows, epohcs=3)
    with pytest.raises(zoo.OptionInvalid, match=r"(?s)no option 'evaldata'.*did you mean eval_data"):
        zoo.finetune("echo", rows, evaldata=rows)
    with pytest.raises(zoo.OptionInvalid, match=r"(?s)no option 'devise'.*did you mean device"):
        zoo.finetune("echo", rows, devise="cpu")
    with pytest.raises(zoo.OptionInvalid, match=r"(?s)the evaluation data is 0\.2.*eval-share 0\.2"):
        zoo.finetune("echo", rows, eval_data=0.2)  # type: ignore[arg-type]


@pytest.mark.usefixtures("finished")
class TestInputsOfPredict:
    """What `zoo predict` is given in the place of texts."""

    @pytest.fixture
    def finished(self, echo: None, rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["finetune", "echo", "--data", str(rows), "--name", "words", "-q", *HERE]) == ExitCode.OK
        capsys.readouterr()

    def test_the_name_of_a_file_is_answered_and_the_way_to_its_rows_is_told(
        self, rows: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(rows.parent)

        assert main(["predict", "words", "rows.csv", "good", "no-file.csv", "-q", *HERE]) == ExitCode.OK

        out, err = capsys.readouterr()
        assert [line for line in out.splitlines() if not line.startswith(" ")] == ["rows.csv", "good", "no-file.csv"]
        assert sorted(err.splitlines()) == [
            "warning: 'no-file.csv' is answered as a text; there is no file of that name",
            "warning: 'rows.csv' is answered as a text, though it names a file; for its rows: "
            "zoo predict words --file rows.csv",
        ]

    def test_the_file_of_an_evaluation_is_its_data(self, rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["evaluate", "words", "--eval", str(rows), *HERE]) == ExitCode.USAGE

        assert "name the file with --data" in capsys.readouterr().err

    def test_a_dash_alone_is_a_text_and_the_way_to_stdin_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["predict", "words", "-", "-q", *HERE]) == ExitCode.OK

        out, err = capsys.readouterr()
        assert out.startswith("-\n")
        assert err == "warning: '-' is answered as a text; --file - reads lines from stdin\n"

    @pytest.mark.slow
    def test_a_dash_for_a_file_is_stdin(self) -> None:
        done = run_zoo("predict", "words", "--file", "-", "--json", "-q", *HERE, stdin="good\nbad\n")

        assert [json.loads(line)["input"] for line in done.stdout.splitlines()] == ["good", "bad"]

    @pytest.mark.slow
    @pytest.mark.parametrize("first", ["text,label", 'id;"Text"', '{"text": "good"}'])
    def test_a_table_on_stdin_is_told_of(self, first: str) -> None:
        done = run_zoo("predict", "words", "--json", "-q", *HERE, stdin=f"{first}\ngood\n")

        assert done.stderr == (
            "warning: stdin looks like a table, and each of its lines is answered as a whole; for its rows, save it as "
            "a file: zoo predict words --file FILE\n"
        )
        assert len(done.stdout.splitlines()) == 2

    @pytest.mark.slow
    @pytest.mark.parametrize("first", ["text me, when the parcel is at the door", "good", "{text}", "good, bad"])
    def test_texts_on_stdin_are_no_table(self, first: str) -> None:
        assert run_zoo("predict", "words", "--json", "-q", *HERE, stdin=f"{first}\n").stderr == ""

    def test_what_looks_like_a_flag_but_has_a_blank_is_a_text(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["predict", "words", "--so_good=very good", "-q", *HERE]) == ExitCode.OK
        assert capsys.readouterr().out.startswith("--so_good=very good\n")


class TestNamesOfTheHub:
    """What names a model of the Hub is told how it comes here; `zoo pull` takes it as it is."""

    @pytest.mark.parametrize("name", ["people/toy", "https://huggingface.co/people/toy/tree/main", "hub:people/toy"])
    @pytest.mark.parametrize("command", [["show"], ["predict"], ["finetune", "--data", "x.csv"]])
    @pytest.mark.usefixtures("echo")
    def test_other_commands_say_how_to_bring_it(
        self, command: list[str], name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([command[0], name, *command[1:]]) == ExitCode.USAGE
        assert "hint: zoo pull hub:people/toy brings it from the Hub" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["people/toy", "https://huggingface.co/people/toy", "hub:people/toy"])
    @pytest.mark.usefixtures("echo")
    def test_pull_asks_the_hub_for_it(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["pull", name]) == ExitCode.DOWNLOAD  # the Hub is switched off here
        assert "people/toy cannot be looked up" in capsys.readouterr().err

    @pytest.mark.usefixtures("echo")
    def test_a_slip_in_a_name_with_its_plugin_does_not_ask_the_hub(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["pull", "echo/ecko"]) == ExitCode.USAGE
        assert "did you mean echo/echo" in capsys.readouterr().err

    def test_a_repository_that_a_card_comes_from_leads_to_the_card(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["show", "sentence-transformers/all-MiniLM-L6-v2"]) == ExitCode.USAGE
        assert "is called all-minilm-l6-v2 here" in capsys.readouterr().err
