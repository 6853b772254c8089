"""Bundles are opened: nothing that a stranger packed leaves the folder that it is unpacked into, or fills the disk."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from zoo.errors import OptionInvalid
from zoo.paths import RUN_NAME
from zoo.replaying.bundle import FORMAT, IN_BUNDLE, MANIFEST, RECORDED, REQUEST, BundledFile, BundleManifest
from zoo.replaying.packing import DATA, is_safe
from zoo.replaying.paths_in_text import names_path
from zoo.replaying.record import RunRecord
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import store_invalid

MOST_FILES = 500_000
LARGEST_TEXT = 64_000_000
"""Bytes of each file that is no data."""
FREE_BYTES = 1_000_000_000
"""That an archive may always unpack to."""
MOST_EXPANSION = 200
"""Times its own size that a larger one may unpack to; texts shrink to a tenth."""
_BLOCK = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""That bundles have; others may ask for much memory."""
_Struct = TypeVar("_Struct")


def read_bundle(path: Path, folder: Path) -> tuple[RunRequest, RunRecord, bool]:
    """Unpack a bundle's data, and read what its run was.

    Args:
        path: of the archive.
        folder: an empty one, which gets the data.

    Returns:
        What is to be done, on the data in that folder; what is known of the run; whether it came with its data.

    Raises:
        OptionInvalid: it is no bundle, or none that is safe to unpack.
        StoreInvalid: the data cannot be written.
    """
    with _Archive(path) as archive:
        record = archive.struct(RECORDED, RunRecord)
        if not RUN_NAME.fullmatch(record.name):
            raise archive.refused(f"names its run {record.name!r}")
        request = archive.request(folder)
        archive.unpack(folder)
        return request, record, archive.manifest.with_data


class _Archive:
    """A bundle whose files have been looked at, and not unpacked.

    Args:
        path: of the file.

    Raises:
        OptionInvalid: it is no bundle, or its files are none that may be unpacked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:  # names that are no UTF-8
            reason = getattr(error, "strerror", None) or "it is no zip archive"
            raise OptionInvalid(
                f"{path} cannot be read: {reason}", "a bundle is written by: zoo export RUN --bundle FILE.zip"
            ) from error
        try:
            self._entries = self._checked_entries()
            self.manifest = self.struct(MANIFEST, BundleManifest, listed=False)
            self._check_manifest()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def refused(self, what: str) -> OptionInvalid:
        """The error of an archive that nobody should open."""
        return OptionInvalid(f"{self._path} {what}, so nothing of it is unpacked", "ask for it anew where it came from")

    def _checked_entries(self) -> dict[str, zipfile.ZipInfo]:
        listed = self._zip.infolist()
        if len(listed) > MOST_FILES:
            raise self.refused(f"has {len(listed):,} files, more than {MOST_FILES:,}")
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in listed:
            mode, name = entry.external_attr >> 16, entry.orig_filename
            if not is_safe(name) or name in entries:
                raise self.refused(f"has a file named {name!r}")
            if entry.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)) or entry.flag_bits & 1:
                raise self.refused(f"has {name!r}, which is a link, a folder, or encrypted")
            if entry.compress_type not in _COMPRESSIONS:
                raise self.refused(f"has {name!r}, which is compressed as nothing in a bundle is")
            entries[name] = entry
        total, limit = sum(entry.file_size for entry in listed), self._limit()
        if total > limit:
            raise self.refused(f"would unpack to {total:,} bytes, more than {limit:,}")
        return entries

    def _limit(self) -> int:
        return max(FREE_BYTES, MOST_EXPANSION * self._path.stat().st_size)

    def _check_manifest(self) -> None:
        """Insist on a format that is known, and on exactly the files that it names."""
        if self.manifest.format != FORMAT or self.manifest.v != 1:
            raise OptionInvalid(
                f"{self._path} is a bundle of zoo {self.manifest.zoo}, whose format this version does not know",
                "update zoo",
            )
        named = {file.name for file in self.manifest.files} | {MANIFEST}
        if others := named ^ self._entries.keys():
            raise self.refused(f"has other files than it says, such as {min(others)!r}")

    def struct(self, name: str, kind: type[_Struct], *, listed: bool = True) -> _Struct:
        """A file of JSON."""
        try:
            return msgspec.json.decode(self._text(name, listed=listed), type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise self.refused(f"has a {name} that is none ({error})") from error

    def request(self, folder: Path) -> RunRequest:
        """What the run was asked to do, with its data in a folder."""
        content = self.struct(REQUEST, dict[str, Any])
        try:
            request = msgspec.convert(self._placed(content, folder), RunRequest)
        except (msgspec.ValidationError, RecursionError) as error:
            raise self.refused(f"has a {REQUEST} that is none ({error})") from error
        request.with_data(lambda data: self._checked_data(data, folder))
        for name in filter(None, (request.out, request.draw)):
            if name in (".", "..") or Path(name).name != name:
                raise self.refused(f"writes to {name!r}, which is no name of a file")
        return msgspec.structs.replace(request, dry_run=False)

    def _placed(self, value: Any, folder: Path) -> Any:
        """The content of a request, with paths of this machine in the place of names in the archive."""
        if isinstance(value, dict):
            return {key: self._placed(one, folder) for key, one in value.items()}
        if isinstance(value, list):
            return [self._placed(one, folder) for one in value]
        if not isinstance(value, str):
            return value
        if value.startswith(IN_BUNDLE):
            name = value.removeprefix(IN_BUNDLE)
            if not is_safe(name) or not name.startswith(DATA):
                raise self.refused(f"names data {name!r}")
            return str(folder / name.removeprefix(DATA))
        if names_path(value):
            raise self.refused(f"names {value!r}, a path of this machine")
        return value

    def _checked_data(self, data: DataRequest, folder: Path) -> DataRequest:
        """Insist on data that came in the archive."""
        for path in filter(None, (data.path, data.eval_path, data.classes)):
            if not Path(path).is_relative_to(folder):
                raise self.refused(f"names data {path!r}, which are not in it")
        return data

    def unpack(self, folder: Path) -> None:
        """Write the data into a folder; each file is the one that was packed, or there is an error."""
        for file in self.manifest.files:
            if not file.name.startswith(DATA):
                continue
            target = folder / file.name.removeprefix(DATA)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as written:
                    self._copy(file, written.write)
            except OSError as error:
                raise store_invalid(f"{self._path} cannot be unpacked", error, folder) from error

    def _copy(self, file: BundledFile, write: Any) -> None:
        digest, left = hashlib.sha256(), file.size_bytes
        try:
            with self._zip.open(self._entries[file.name]) as packed:
                while block := packed.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        raise self.refused(f"has more in {file.name!r} than it says")
                    digest.update(block)
                    write(block)
        except _DAMAGED as error:
            raise self.refused(f"is damaged at {file.name!r}") from error
        if left or digest.hexdigest() != file.sha256:
            raise self.refused(f"is damaged at {file.name!r}")

    def _text(self, name: str, *, listed: bool) -> bytes:
        entry = self._entries.get(name)
        if entry is None:
            raise OptionInvalid(
                f"{self._path} is no bundle: it has no {name}", "one is written by: zoo export RUN --bundle FILE.zip"
            )
        if entry.file_size > LARGEST_TEXT:
            raise self.refused(f"has a {name} of {entry.file_size:,} bytes")
        if listed:
            content = bytearray()
            file = next(one for one in self.manifest.files if one.name == name)
            self._copy(file, content.extend)
            return bytes(content)
        try:
            with self._zip.open(entry) as packed:
                return packed.read(entry.file_size)
        except _DAMAGED as error:
            raise self.refused(f"is damaged at {name!r}") from error
