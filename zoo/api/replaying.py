"""Runs done again from their records, from Python; and packed, so that another machine can."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.api.run import Run, open_run
from zoo.api.starting import start
from zoo.catalog import Catalog
from zoo.disk import check_takes_files
from zoo.errors import OptionInvalid
from zoo.file_cache import read_once
from zoo.plurals import with_article
from zoo.replaying import RECORD, Difference, Plan, plan_of_bundle, plan_of_run, refusal
from zoo.replaying.bundle import Bundled, write_bundle
from zoo.replaying.planning import card_of_parent
from zoo.runs.events import Noted
from zoo.runs.log import append
from zoo.runs.request import RunRequest
from zoo.runs.store import RunFolder, write_request

ANSWERS = "answers"
"""Name of the folder, in that of a replay, for the answers that the run wrote elsewhere."""
_END = ".zip"
"""Of the name of a bundle, by which it is told from that of a run."""


def replay(
    run: str | os.PathLike[str] | Run,
    *,
    anyway: bool = False,
    data: str | os.PathLike[str] | None = None,
    name: str = "",
    device: str = "",
    now: bool = False,
) -> Run:
    """Do a finished run again from its record, in a worker process; `Run.replayed` says whether the same bits came out.

    Args:
        run: name of a run, a run, or path of a bundle (`zoo.bundle`).
        anyway: whether to do it on data that are not what they were.
        data: the folder that has its data now, or the file; if not given, they are where they were, or in the bundle.
        name: of the replay; that of the run with `-replay` behind it if not given.
        device: auto, cpu, cuda, cuda:N, mps or xpu; that of the run if not given.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.

    Raises:
        UnknownRun: there is no such run.
        Unsupported: it has not finished, or others took part in it.
        UnknownModel: the model that it began from is not here.
        DatasetInvalid: its data have changed, or are gone.
        OptionInvalid: the bundle is none, or none that is safe to unpack.
    """
    return start_replay(run, lambda differences: None, anyway=anyway, data=data, name=name, device=device, now=now)


@read_once()
def start_replay(
    run: str | os.PathLike[str] | Run,
    tell: Callable[[tuple[Difference, ...]], None],
    *,
    anyway: bool,
    data: str | os.PathLike[str] | None,
    name: str,
    device: str,
    now: bool,
) -> Run:
    """The same, which tells what differs before anything is started, or refused."""
    with _plan(run, name=name, data=data, device=device) as plan:
        tell(plan.differences)
        if (error := refusal(plan.differences, _name_of(run))) and not (anyway and not _gone(plan)):
            raise error
        request = plan.on_data_as_they_are() if error else plan.request
        record = msgspec.structs.replace(plan.record, differences=tuple(one[:3] for one in plan.differences))

        def prepare(folder: RunFolder) -> None:
            _settle_outputs(folder)
            atomic.write_bytes(folder.path / RECORD, msgspec.json.format(msgspec.json.encode(record)))
            append(folder, Noted(message=f"replays {plan.record.name}"))
            for one in plan.differences:
                append(folder, Noted(message=f"{one.what} was {one.then} and is {one.now}"))

        return start(request, plan.data_folder, now=now, prepare=prepare)


@read_once()
def replay_differences(
    run: str | os.PathLike[str] | Run, *, data: str | os.PathLike[str] | None = None, device: str = ""
) -> tuple[Difference, ...]:
    """What is not as it was when a run was made, were it replayed now: its data, weights, place and versions.

    Arguments and errors are those of `replay`; data that have changed are among the differences.
    """
    with _plan(run, name="", data=data, device=device) as plan:
        return plan.differences


def bundle(run: str | Run, path: str | os.PathLike[str], *, with_data: bool = True) -> Bundled:
    """Pack a finished run into one file, by which `replay` does it again on another machine.

    It has what the run was asked to do, what came of it, versions, recipe and data with their digests; neither weights
    nor logs, and no token, nothing of the environment and no path of this machine.

    Args:
        run: or its name.
        path: of a new file; `.zip`.
        with_data: whether the data come along; those of a private run, or of one about its model, never do.

    Raises:
        UnknownRun: there is no such run.
        Unsupported: it has not finished, or others took part in it.
        DatasetInvalid: its data have changed since, or cannot be taken along.
        OptionInvalid: there is such a file already.
        StoreInvalid: the file cannot be written.
    """
    folder = run.folder if isinstance(run, Run) else open_run(run).folder
    target = _path(path, "the bundle").absolute()
    if target.suffix.lower() != _END:
        raise OptionInvalid(f"{target} does not end in {_END}, as bundles do", f"name it {target.name}{_END}")
    if target.exists() or target.is_symlink():
        raise OptionInvalid(f"{target} exists already", "choose another name, or remove it")
    check_takes_files(target.parent, "choose another")
    return write_bundle(folder, target, card_of_parent(folder.request, Catalog.load()), with_data=with_data)


def _plan(
    run: str | os.PathLike[str] | Run, *, name: str, data: str | os.PathLike[str] | None, device: str
) -> AbstractContextManager[Plan]:
    place = None if data is None else _path(data, "--data").absolute()
    if isinstance(run, Run):
        return plan_of_run(run.folder, name=name, data=place, device=device)
    if is_bundle(run):
        return plan_of_bundle(_path(run, "the bundle").absolute(), name=name, data=place, device=device)
    return plan_of_run(open_run(str(run)).folder, name=name, data=place, device=device)


def is_bundle(run: str | os.PathLike[str]) -> bool:
    """Whether what is named is the file of a bundle, rather than a run."""
    return not isinstance(run, str) or Path(run).suffix.lower() == _END


def _path(path: str | os.PathLike[str], what: str) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(f"{what} is {with_article(type(path).__name__)}, but must be a path", "name one")
    return Path(path).expanduser()


def _name_of(run: str | os.PathLike[str] | Run) -> str:
    return run.name if isinstance(run, Run) else str(run)


def _gone(plan: Plan) -> bool:
    return any(one.is_gone for one in plan.differences)


def _settle_outputs(folder: RunFolder) -> None:
    """Let a replay write into its own folder what the run wrote elsewhere."""
    request: RunRequest = folder.request
    if request.verb == "predict":
        place = folder.path / ANSWERS
        place.mkdir()
        out = str(place / Path(request.out).name) if request.out else ""
        draw = str(place / Path(request.draw).name) if request.draw else ""
        write_request(folder, msgspec.structs.replace(request, out=out, draw=draw))
    elif request.out:
        write_request(folder, msgspec.structs.replace(request, out=""))
