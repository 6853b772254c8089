"""Wheels written by hand, and environments to install them into that see this zoo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

import zoo

ROOT = Path(zoo.__file__ or "").parent.parent
SITE_CODE = f"import site; list(map(site.addsitedir, {[str(ROOT), sysconfig.get_path('purelib')]!r}))\n"


def write_wheel(
    folder: Path,
    distribution: str,
    source: str,
    *,
    version: str = "1.0",
    plugin: str = "",
    needs: tuple[str, ...] = (),
) -> Path:
    """A wheel of one module.

    Args:
        folder: where it is put.
        distribution: its name; the module has it, too.
        source: text of the module.
        version: of the distribution.
        plugin: name of its entry point in the group of plugins; none if empty.
        needs: requirements.
    """
    module = distribution.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}"]
    files = {
        f"{module}.py": textwrap.dedent(source),
        f"{info}/METADATA": "\n".join([*metadata, *(f"Requires-Dist: {need}" for need in needs)]) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if plugin:
        files[f"{info}/entry_points.txt"] = f"[zoo.plugins]\n{plugin} = {module}\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@dataclass
class Venv:
    """A virtual environment whose index is a folder of wheels."""

    path: Path
    wheels: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def packages(self) -> Path:
        """Where its packages stand."""
        (folder,) = self.path.glob("Lib/site-packages" if sys.platform == "win32" else "lib/python*/site-packages")
        return folder

    def zoo(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command there."""
        return subprocess.run(
            [str(self.python), "-P", "-m", "zoo", *words],
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment, **environment},
            timeout=120,
            check=False,
        )

    def versions(self) -> dict[str, str]:
        """Distributions and versions, as a stranger counts them: by the folders."""
        parts = (path.name.removesuffix(".dist-info").rpartition("-") for path in self.packages.glob("*.dist-info"))
        return {name: version for name, _, version in parts if name not in ("pip", "setuptools")}


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project with the build backend that is installed here."""
    words = [
        "uv",
        "build",
        "-q",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        str(folder),
    ]
    subprocess.run([*words, str(project)], check=True, capture_output=True)
    return max(folder.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


def repack(distribution: Distribution, folder: Path) -> Path:
    """The wheel of an installed distribution, as far as its own folders go."""
    name = distribution.metadata["Name"].replace("-", "_")
    path = folder / f"{name}-{distribution.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                archive.write(str(file.locate()), str(file))
    return path


def clean_venv(path: Path, *requirements: str) -> Venv:
    """An environment that holds these and what they need, in the versions of this one, and nothing else."""
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(path)], check=True, capture_output=True)
    venv = Venv(path, path)
    pins = path / "constraints.txt"
    here = {one.metadata["Name"]: one.version for one in distributions() if not one.metadata["Name"].startswith("zoo-")}
    pins.write_text("".join(f"{name}=={version}\n" for name, version in here.items()))
    install(venv, *requirements)
    share_compiled(venv)
    return venv


def share_compiled(venv: Venv) -> None:
    """Where compiled code is kept apart, let that of the very same files be found: torch takes long to compile."""
    if sys.pycache_prefix is None or sys.platform == "win32":
        return
    here = Path(sysconfig.get_path("purelib"))
    compiled, elsewhere = (Path(sys.pycache_prefix) / folder.relative_to("/") for folder in (here, venv.packages))
    elsewhere.mkdir(parents=True, exist_ok=True)
    for package in venv.packages.glob("*/__init__.py"):
        name = package.parent.name
        if (here / name / "__init__.py").exists() and package.samefile(here / name / "__init__.py"):
            (compiled / name).mkdir(parents=True, exist_ok=True)
            if not (elsewhere / name).exists():
                (elsewhere / name).symlink_to(compiled / name)


def install(venv: Venv, *requirements: str) -> None:
    """Install something more into a clean environment, and what it needs, in the versions of this one."""
    words = ["uv", "pip", "install", "-q", "--python", str(venv.python)]
    words += ["--constraints", str(venv.path / "constraints.txt")]
    done = subprocess.run([*words, *requirements], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def installed_for_now(venv: Venv, *requirements: str) -> Iterator[None]:
    """Install something more into a clean environment, and take it out again with all that came with it."""
    before = venv.versions()
    try:
        install(venv, *requirements)
        yield
    finally:
        if added := venv.versions().keys() - before.keys():
            words = ["uv", "pip", "uninstall", "-q", "--python", str(venv.python), *added]
            subprocess.run(words, check=True, capture_output=True)


def run_tests(venv: Venv, tests: Path, folder: Path, *selection: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of a project's tests, and of the scripts beside them, with what is installed in an environment.

    Args:
        venv: the environment.
        tests: folder of the tests.
        folder: where the copy is put.
        selection: words of pytest's command line that choose some of them.
    """
    shutil.copytree(tests, folder / "tests")
    for script in tests.parent.glob("*.py"):
        shutil.copy(script, folder)
    words = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir=.", *selection, "tests"]
    return subprocess.run(
        [str(venv.python), "-P", "-m", "pytest", *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def new_venv(path: Path, wheels: Path, *, pip: bool = False) -> Venv:
    """An environment in which zoo is installed, as far as an installer can tell."""
    if pip:
        subprocess.run([sys.executable, "-m", "venv", str(path)], check=True, capture_output=True)
    else:
        subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(path)], check=True, capture_output=True)
    wheels.mkdir(parents=True, exist_ok=True)
    config = path / "uv.toml"
    config.write_text(f"no-index = true\nfind-links = [{str(wheels)!r}]\n")
    venv = Venv(path, wheels)
    venv.environment = {
        "UV_CONFIG_FILE": str(config),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if pip:
        venv.environment["PATH"] = str(venv.python.parent)
    (venv.packages / "seen.pth").write_text(SITE_CODE)
    info = venv.packages / "zoo_models-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: zoo-models\nVersion: 0.1.0\nRequires-Dist: zoo-dep>=1\n"
    )
    (info / "INSTALLER").write_text("tests\n")
    (info / "RECORD").write_text("".join(f"{info.name}/{name},,\n" for name in ("METADATA", "INSTALLER", "RECORD")))
    return venv
