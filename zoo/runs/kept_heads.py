"""Heads that are learnt on the body of a result as it is: the others come along, unchanged to the bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from zoo.card import Card, FolderSource, Weights
from zoo.errors import StoreInvalid
from zoo.fetch import fetch
from zoo.runs.heads import BODY_FILE, join, link, link_alike, link_file
from zoo.runs.request import RunRequest
from zoo.runs.result import HEADS, MANIFEST, HeadResult, ResultManifest
from zoo.runs.store import RunFolder, maker_of


def check_kept_heads(request: RunRequest, card: Card) -> None:
    """Insist on all files of the heads that shall come along.

    Args:
        request: names them.
        card: of the head that the training begins from.

    Raises:
        StoreInvalid: the result that has them is gone.
        ChecksumMismatch: a file is not what its run wrote.
    """
    for head in _kept(request, card):
        place = _folder(card, head.name)
        fetch(Weights(files=head.files, sources=(FolderSource(path=str(place)),)))


def bring_kept_heads(folder: RunFolder, request: RunRequest, card: Card) -> tuple[HeadResult, ...]:
    """Make what a training has exported one or several of the heads of a result; the others are the same files on disk.

    Args:
        folder: of the run; its model folder holds what is exported.
        request: names the heads.
        card: of the head that the training began from.

    Returns:
        What is known of the heads that came along.

    Raises:
        StoreInvalid: the result that has them is gone.
    """
    kept, model = _kept(request, card), folder.model_folder
    scratch = folder.path / "exported"
    shutil.rmtree(scratch, ignore_errors=True)  # of a killed attempt
    if request.head:
        model.rename(scratch)
        (model / HEADS).mkdir(parents=True)
        scratch.rename(model / HEADS / request.head)
        link_file(folder.trained_on_path, folder.of_source(request.head).trained_on_path)
    learnt, places = list((model / HEADS).iterdir()), [model / HEADS / head.name for head in kept]
    for head, place in zip(kept, places, strict=True):
        _link_all(_folder(card, head.name), place)
        link_file(maker_of(card.name).of_source(head.name).trained_on_path, folder.of_source(head.name).trained_on_path)
    for place in learnt:
        join(place, [one / BODY_FILE for one in places], scratch)
    link_alike([*places, *learnt])
    return kept


def _kept(request: RunRequest, card: Card) -> tuple[HeadResult, ...]:
    path = maker_of(card.name).model_folder / MANIFEST
    names = {source.name for source in request.kept}
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=ResultManifest)
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise StoreInvalid(
            f"the result cannot be read that has {', '.join(sorted(names))}, which shall come along: {error}",
            "train it again, or learn the head from another model",
        ) from error
    return tuple(head for head in manifest.heads if head.name in names)


def _folder(card: Card, head: str) -> Path:
    return maker_of(card.name).model_folder / HEADS / head


def _link_all(source: Path, target: Path) -> None:
    """Let a folder hold the same files as another."""
    shutil.copytree(source, target, copy_function=lambda path, twin: link(Path(path), Path(twin)))
