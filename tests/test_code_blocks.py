"""Every block of code in the pages does what it says: commands are run, Python is run, data is parsed.

A page is gone through from top to bottom in a folder of its own, with small files of the names that the pages use and
models that learn in an instant (tests/standin.py); the Python of a page is one program, run after its commands. A block
that is not run says so and why in a comment before it: `<!-- not run: ... -->`; what must have happened before, without
a reader having to do it, stands in `<!-- before: zoo ... -->`.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from tests.commands import zoo
from tests.plugin_factory import write_plugin
from tests.wheel_factory import ROOT

pytestmark = pytest.mark.slow

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "plugins").glob("*/README.md"),
    )
)
BLOCK = re.compile(
    r"(?:^[ ]*<!-- (?P<kind>before|not run): (?P<said>.*?) -->\n)?"
    r"^[ ]*```(?P<language>\w*)\n(?P<code>.*?)^[ ]*```$",
    flags=re.MULTILINE | re.DOTALL,
)
PROGRAMS = ("zoo", "pip", "sleep")
SHELL = set("|&;<>$`*?~")
"""What a shell makes something else of."""


class Block(NamedTuple):
    """One block of a page."""

    language: str
    code: str
    before: str
    skipped: str


def blocks(page: str) -> list[Block]:
    """Those of a page, in order."""
    matches = BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))
    return [
        Block(
            one["language"],
            textwrap.dedent(one["code"]),
            one["said"] if one["kind"] == "before" else "",
            one["said"] if one["kind"] == "not run" else "",
        )
        for one in matches
    ]


class Walk:
    """A folder with what the pages speak of, and an environment in which `zoo` knows the stand-ins."""

    def __init__(self, folder: Path, home: Path, *, torch: bool) -> None:
        self.folder, self.site, self.python = folder / "here", folder / "site", ""
        self.site.mkdir()
        if not torch:
            (self.site / "torch.py").write_text("raise ModuleNotFoundError('torch is left out', name='torch')")
        counts = folder / "weights" / "counts.json"
        counts.parent.mkdir(parents=True)
        counts.write_text(json.dumps({"cat": {"x": 1}, "dog": {"y": 1}}))
        write_plugin(self.site, "standin", (ROOT / "tests" / "standin.py").read_text(encoding="utf-8"))
        self.environment = dict(os.environ) | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(
                map(str, [self.site, *(ROOT / "docs" / "examples").iterdir()])
            ),  # pages show them
            "ZOO_HOME": str(home),
            "ZOO_PLUGINS": "standin,echo,my-words",
            "STANDIN": str(counts.parent),
            "STANDIN_SHA256": hashlib.sha256(counts.read_bytes()).hexdigest(),
        }
        fill(self.folder)

    def go(self, block: Block) -> None:
        """Do what a block says."""
        for line in filter(None, block.before.split("; ")):
            self.run(line)
        if block.skipped or block.language == "text":
            return
        match block.language:
            case "python":
                self.python += block.code
            case "toml":
                tomllib.loads(block.code)
            case "json":
                json.loads(block.code)
            case "csv":
                rows = list(csv.reader(block.code.splitlines()))
                assert {len(row) for row in rows} == {len(rows[0])}
            case "" | "console":
                for line in block.code.splitlines():
                    self.run(line)
            case other:
                pytest.fail(f"nothing is known of blocks of {other!r}")

    def run(self, line: str) -> None:
        """Run one line of a shell."""
        command = line.split("#", maxsplit=1)[0].strip()
        if command:
            assert command.split()[0] in PROGRAMS, f"not a command that can be run: {command!r}; is it `text`?"
            if command.startswith("zoo ") and not set(command) & SHELL:
                self.type(shlex.split(command)[1:])
            else:
                self.check(["bash", "-c", command.replace("pip install -e", INSTALL.format(site=self.site))])

    def type(self, words: list[str]) -> None:
        """Run a command of zoo, saying yes to whatever it asks."""
        done = zoo(*words, stdin="y\n", environment=self.environment, folder=self.folder)
        assert done.returncode == 0, f"zoo {' '.join(words)}\n{done.stdout}{done.stderr}"

    def check(self, words: list[str]) -> None:
        """Run any other to its end, saying yes likewise."""
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            input="y\n",
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{words[-1]}\n{done.stdout}{done.stderr}"


INSTALL = f"uv pip install -q --no-deps --no-build-isolation --python {sys.executable} --target {{site}}"


def fill(folder: Path) -> None:
    """Put there what the pages name."""
    folder.mkdir()
    rows = [f"my parcel is late {n},delivery\nI want my money back {n},refund\n" for n in range(12)]
    for name in ("messages", "held-out", "reviews", "new", "newer"):
        (folder / f"{name}.csv").write_text("text,label\n" + "".join(rows))
    (folder / "held-out.csv").write_text("text,label\nthe parcel,delivery\nthe money,refund\n")
    (folder / "lines.txt").write_text("one line\nanother line\n")
    (folder / "sentences.txt").write_text("".join(f"sentence {n} of some words\n" for n in range(30)))
    for place in (
        "pets/cat",
        "pets/dog",
        "digits/0",
        "digits/1",
        "icons/on",
        "icons/off",
        "unlabelled",
        "photos",
        "more/deep",
    ):
        (folder / place).mkdir(parents=True)
        for n in range(12):
            pixels = hashlib.sha512(f"{place}{n}".encode()).digest() * 3
            Image.frombytes("RGB", (8, 8), pixels).save(folder / place / f"{n}.png")
    for name in ("cat.jpg", "holiday.jpg", "photos/1.jpg"):
        Image.new("RGB", (8, 8)).save(folder / name)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_blocks_do_what_they_say(page: str, tmp_path: Path, store: Path) -> None:
    walk = Walk(tmp_path, store, torch="new my-words" in (ROOT / page).read_text(encoding="utf-8"))
    for block in blocks(page):
        walk.go(block)
    walk.check([sys.executable, "-c", walk.python])
