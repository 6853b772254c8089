"""Whether a place sees a file: whether that is in the folder which both sides share, where one is declared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo.errors import Unsupported
from zoo.paths import home
from zoo.places.place import PlaceSettings


def check_shared(settings: PlaceSettings, place: str, paths: Iterable[str]) -> None:
    """Insist on files that a place sees; the store is among them.

    Args:
        settings: what is declared of the place.
        place: its name.
        paths: absolute ones; empty ones are none.

    Raises:
        Unsupported: naming the first that is elsewhere.
    """
    if not settings.folder:
        return
    shared = Path(settings.folder).expanduser().absolute()
    if not _is_in(home(), shared):
        raise Unsupported(
            f"place {place} sees what is in {shared}, and the store is in {home()}",
            f"zoo config home={shared / 'zoo'} lets it be there from now on",
        )
    for path in filter(None, paths):
        if not _is_in(Path(path), shared):
            raise Unsupported(f"place {place} sees what is in {shared}, and {path} is not", f"copy it into {shared}")


def _is_in(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) or path.resolve().is_relative_to(folder.resolve())
