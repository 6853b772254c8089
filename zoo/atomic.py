"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace a file's content: a temporary file beside it is written, synced to disk and renamed.

    Args:
        path: of the file.
        data: its content.
        mode: who may read and write it; the umask has a say, too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def sync(path: Path) -> None:
    """Wait until a file, or each file below a folder, is on its disk."""
    for file in [path] if path.is_file() else filter(Path.is_file, path.rglob("*")):
        access = os.O_RDWR if os.name == "nt" else os.O_RDONLY  # files that may only be read are synced, too
        descriptor = os.open(file, access | getattr(os, "O_BINARY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Replace a file's content with text, as UTF-8 with bare newlines."""
    write_bytes(path, text.encode())
