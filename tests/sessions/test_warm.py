"""A model that is kept warm answers whoever comes next, the same as if it were loaded anew, and ends by itself."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import zoo
from tests.echo_runs import until
from tests.hearing_plugin import install_hearer, write_tone
from tests.plugin_site import new_site
from tests.plugin_site import zoo as command
from tests.sessions.conftest import workers
from zoo.cli.exit_codes import ExitCode

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]


def ask(*words: str) -> Done:
    done = command("predict", *words, "--device", "cpu", "--precision", "fp32")
    assert done.returncode == ExitCode.OK, done.stderr
    return done


def warm_pid(runtime: Path) -> int:
    (worker,) = workers(runtime)
    return worker.pid


def test_the_next_one_is_answered_by_the_same_process(words: str, runtime: Path) -> None:
    cold = ask("words", "good fine", " ", "awful", "--json")
    first = ask("words", "good fine", " ", "awful", "--json", "--keep-warm", "5")
    pid = warm_pid(runtime)
    second = ask("words", "good fine", " ", "awful", "--json")

    assert cold.stdout == first.stdout == second.stdout
    assert json.loads(cold.stdout.splitlines()[1])["prediction"]["type"] == "rejected"
    assert warm_pid(runtime) == pid
    assert "kept warm" in second.stderr
    assert "kept warm" not in cold.stderr


def test_the_variable_says_the_same_and_zero_ends_it(
    words: str, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_KEEP_WARM", "5")
    ask("words", "good")
    assert len(workers(runtime)) == 1
    ask("words", "good", "--keep-warm", "0")

    until(lambda: not workers(runtime))
    assert list(runtime.glob("*.sock")) == []


def test_it_ends_when_nobody_comes(words: str, runtime: Path) -> None:
    ask("words", "good", "--keep-warm", "0.03")

    until(lambda: not workers(runtime))
    assert list(runtime.glob("*.sock")) == []
    assert "kept warm" not in ask("words", "good").stderr


def test_it_ends_when_its_socket_is_gone(words: str, runtime: Path) -> None:
    ask("words", "good", "--keep-warm", "5")
    for socket in runtime.glob("*.sock"):
        socket.unlink()

    until(lambda: not workers(runtime))


def test_a_killed_one_leaves_nothing_in_the_way(words: str, runtime: Path) -> None:
    ask("words", "good", "--keep-warm", "5")
    first = warm_pid(runtime)
    psutil.Process(first).kill()
    until(lambda: not workers(runtime))

    assert "kept warm" not in ask("words", "good").stderr
    assert "kept warm" in ask("words", "good", "--keep-warm", "5").stderr
    assert warm_pid(runtime) != first


def test_another_result_of_the_same_name_is_another_process(
    words: str, finetune: Callable[..., zoo.Run], runtime: Path, tmp_path: Path
) -> None:
    ask("words", "good fine", "--keep-warm", "5")
    zoo.open_run("words").remove()
    turned = tmp_path / "turned.csv"
    turned.write_text("text,label\n" + "".join(f"good fine {n},negative\nbad awful {n},positive\n" for n in range(20)))
    finetune(name="words", data=turned).wait(progress=False)
    answered = json.loads(ask("words", "good fine", "--json").stdout)

    assert answered["prediction"]["scores"][0]["label"] == "negative"


def test_several_at_once_are_all_answered_by_one(words: str, runtime: Path) -> None:
    outputs: list[str] = []
    threads = [
        threading.Thread(target=lambda: outputs.append(ask("words", "good fine", "--json", "--keep-warm", "5").stdout))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(outputs)) == 1
    assert len(outputs) == 4
    assert len(workers(runtime)) == 1


def test_nobody_else_can_reach_it(words: str, runtime: Path) -> None:
    ask("words", "good", "--keep-warm", "5")
    (socket,) = runtime.glob("*.sock")

    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600


def test_a_folder_that_is_open_to_others_is_not_used(
    words: str, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.mkdir()
    runtime.chmod(0o777)
    refused = command("predict", "words", "good", "--keep-warm", "5")

    assert refused.returncode == ExitCode.USAGE
    assert "is open to others" in refused.stderr
    monkeypatch.setenv("ZOO_KEEP_WARM", "5")  # a setting asks for it where it can be had
    assert "kept warm" not in ask("words", "good").stderr


@pytest.mark.parametrize("minutes", ["soon", "-1", "nan", "100000"])
def test_what_is_no_number_of_minutes_is_told(words: str, minutes: str) -> None:
    done = command("predict", "words", "good", f"--keep-warm={minutes}")

    assert done.returncode == ExitCode.USAGE
    assert f"--keep-warm is {minutes!r}, but takes minutes" in done.stderr


def test_the_process_that_asks_imports_nothing_heavy(words: str, runtime: Path) -> None:
    ask("words", "good", "--keep-warm", "5")
    code = (
        "import sys\nfrom zoo.cli import main\n"
        "main(['predict', 'words', 'good', '--device', 'cpu', '--precision', 'fp32'])\n"
        "print({'torch', 'numpy', 'transformers', 'textual', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)

    assert done.stdout.splitlines()[-1] == "set()"
    assert "kept warm" in done.stderr


def test_a_file_of_an_option_is_of_the_folder_where_it_is_asked_for_and_as_it_is_now(
    store: Path, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("soundfile")
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_hearer(site)
        tone = str(write_tone(tmp_path / "one.wav"))
        for place in ("here", "there"):
            (tmp_path / place).mkdir()
            (tmp_path / place / "words.txt").write_text(place)
        heard = []
        for place in ("here", "there", "here"):
            monkeypatch.chdir(tmp_path / place)
            heard.append(ask("hearer", tone, "--words", "words.txt", "--keep-warm", "5").stdout.split()[-1])
        (tmp_path / "here" / "words.txt").write_text("changed")
        heard.append(ask("hearer", tone, "--words", "words.txt", "--keep-warm", "5").stdout.split()[-1])

    assert heard == ["here", "there", "here", "changed"]
    assert len(workers(runtime)) == 3
