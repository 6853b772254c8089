"""What a place is: somewhere that a job is handed over to, which is started there when its time has come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol

import msgspec

from zoo.errors import OptionInvalid
from zoo.findings import Finding
from zoo.options import Options, option

INTERRUPT_FILE = "interrupt"
"""In the folder of a job: there while its place is about to end it. What it computes makes a checkpoint and ends; where
it leaves the file there, it is to be begun again."""


class PlacedJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a place starts."""

    name: str
    """What it is called there."""
    folder: str
    """Absolute path of its folder, which the place sees, too."""
    arguments: tuple[str, ...]
    """Of Python: a module and what that takes."""
    environment: dict[str, str] = {}
    """Variables beside those that it has there."""
    log: str
    """Absolute path of the file that all it prints is appended to."""
    processes: int = 1
    """On each node."""
    nodes: int = 1
    requeue: bool = False
    """Whether it is begun again once its time there is over, or its node has died."""


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a job."""

    phase: Literal["waiting", "running", "ended", "unknown"]
    """`unknown` where nobody could be asked."""
    word: str = ""
    """As the place says it, such as NODE_FAIL."""
    reason: str = ""
    """The same in words."""
    interrupted: bool = False
    """Of one that has ended: whether somebody or something ended it, rather than it itself."""


class PlaceSettings(Options, frozen=True, kw_only=True):
    """What can be said of every place; a kind adds its own."""

    lists: ClassVar[tuple[str, ...]] = ()
    """Those that are text with commas between several values, and may be written as a list, too."""

    folder: Annotated[
        str, option("A folder that is the same here and there, on a shared disk; the store and the data are in it.")
    ] = ""
    environment: Annotated[
        str, option("The virtual environment there, or its Python; by default the one that zoo runs in here.")
    ] = ""
    nodes: Annotated[int, option("Machines that share a training, where --nodes says nothing.", ge=1, le=1024)] = 1
    gpus: Annotated[int, option("GPUs of a machine that a run has for itself.", ge=0, le=64)] = 0
    requeue: Annotated[bool, option("Whether a run that the place ended goes on by itself, when it can.")] = False

    def check(self) -> None:
        """Insist on paths that are the same wherever one is."""
        super().check()
        for name in ("folder", "environment"):
            path = getattr(self, name)
            if path and not os.path.isabs(os.path.expanduser(path)):  # noqa: PTH111, PTH117  (a home that nobody has stays)
                raise OptionInvalid(f"{name} is {path!r}, which is no absolute path", f'such as {name} = "/shared/me"')

    @property
    def python(self) -> str:
        """Path of the Python there; empty for the one of this process."""
        if not self.environment:
            return ""
        path = Path(self.environment).expanduser()
        return os.path.abspath(path if path.name.startswith("python") else path / "bin" / "python")  # noqa: PTH100


class Place(Protocol):
    """Somewhere that jobs are handed over to."""

    name: str
    """As `places.toml` calls it."""
    settings: PlaceSettings

    def submit(self, job: PlacedJob) -> str:
        """Hand a job over, and return at once.

        Returns:
            What the place calls it.

        Raises:
            ZooError: the place does not take it; with its own words.
        """

    def state(self, id: str) -> JobState:
        """What has become of a job; raises nothing."""

    def cancel(self, id: str) -> None:
        """End a job, or take it out of the queue; one that has ended stays as it is.

        Raises:
            ZooError: the place cannot be asked.
        """

    def said(self, folder: str, id: str) -> str:
        """What the place itself printed of a job, in files below the job's folder; empty where that is nothing."""

    def check(self) -> Iterator[Finding]:
        """What can be seen of the place without handing over a job."""
