"""Reports as files; one that zoo wrote is written anew, and nothing else is overwritten."""

from __future__ import annotations

import io
import os
from pathlib import Path

from zoo import __version__, atomic
from zoo.disk import cause_of, check_takes_files
from zoo.errors import OptionInvalid, StoreInvalid, Unsupported
from zoo.plurals import with_article
from zoo.rendering.page import page
from zoo.reports.sections import headline, report_sections, run_curves, shown
from zoo.runs.store import RunFolder

GENERATOR = "zoo report"
"""Stands in the first bytes of what zoo has written."""
_FIRST_BYTES = 400


def write_page(folder: RunFolder, path: str | os.PathLike[str]) -> Path:
    """Write all that is known of a run as one file of HTML, which needs nothing from elsewhere.

    Args:
        folder: of the run.
        path: of the file; an earlier report there is overwritten.

    Returns:
        Its absolute path.

    Raises:
        OptionInvalid: there is another file, or no folder.
        StoreInvalid: the run cannot be read, or the file cannot be written.
    """
    target = report_path(path, "--html")
    text = page(
        folder.name,
        headline(*shown(folder)),
        report_sections(folder),
        f"{GENERATOR} {__version__}",
    )
    return _written(target, text.encode("utf-8", errors="replace"))


def write_curves(folder: RunFolder, path: str | os.PathLike[str]) -> Path:
    """Write the curves of a run as a PNG.

    Args:
        folder: of the run.
        path: of the file; an earlier one of zoo is overwritten.

    Returns:
        Its absolute path.

    Raises:
        OptionInvalid: there is another file, or no folder.
        Unsupported: the run has no curves, or Pillow is missing.
        StoreInvalid: the run cannot be read, or the file cannot be written.
    """
    from zoo.rendering.curve_pictures import can_draw, curve_picture

    target = report_path(path, "--png")
    request, s = shown(folder)
    curves = run_curves(s)
    if not curves:
        raise Unsupported(
            f"run {folder.name} has no curves: it has not come to a second point of any ({request.verb})",
            f"what there is: zoo report {folder.name} --html FILE",
        )
    if not can_draw():
        raise Unsupported("curves are drawn by Pillow, which is not installed", "pip install pillow")
    from PIL import PngImagePlugin

    facts, file = PngImagePlugin.PngInfo(), io.BytesIO()
    facts.add_text("Software", f"{GENERATOR} {__version__}")
    curve_picture(curves).save(file, "PNG", pnginfo=facts)
    return _written(target, file.getvalue())


def report_path(path: str | os.PathLike[str], flag: str) -> Path:
    """The absolute path of a file that a report may be written to.

    Args:
        path: as a person names it.
        flag: `--html` or `--png`, for messages.

    Raises:
        OptionInvalid: there is another file, or no folder.
    """
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(f"{flag} is {with_article(type(path).__name__)}, but takes the path of a file", "name one")
    if str(path) in ("", "-"):
        raise OptionInvalid(f"{flag} takes the path of a file, not {str(path)!r}", f"such as {flag} report{_END[flag]}")
    target = Path(path).expanduser().absolute()
    check_takes_files(target.parent, f"choose another {flag}")
    if (target.exists() or target.is_symlink()) and not _is_ours(target):
        raise OptionInvalid(f"{target} exists, and is no report of zoo", f"choose another {flag}, or remove it")
    return target


_END = {"--html": ".html", "--png": ".png"}


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.is_file() and GENERATOR.encode() in file.read(_FIRST_BYTES)
    except OSError:
        return False


def _written(target: Path, content: bytes) -> Path:
    try:
        atomic.write_bytes(target, content)
    except OSError as error:
        cause = cause_of(error, target)
        raise StoreInvalid(f"the report cannot be written: {cause.reason}", cause.hint) from error
    return target
