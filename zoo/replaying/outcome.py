"""Whether a replay gave the same bits, or how far what it gave is from what the run had given."""

from __future__ import annotations

import msgspec

from zoo.blocks import Block, Paragraph, Table
from zoo.errors import StoreInvalid, Unsupported
from zoo.paths import runs_folder
from zoo.plurals import counted
from zoo.replaying.record import RECORD, RunRecord, record_of, result_files
from zoo.replaying.tensors import largest_difference
from zoo.runs.store import RunFolder


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A replay held against the run that it replays."""

    run: str
    """The replay."""
    replays: str
    same: bool
    """Whether all figures and all files that can be compared are the same to the bit."""
    metrics: tuple[tuple[str, float | None, float | None], ...] = ()
    """Name, then and now, of those that are not the same."""
    files: tuple[str, ...] = ()
    """Those that are not the same, of the result or of answers."""
    not_compared: tuple[str, ...] = ()
    """Files of which nobody wrote down what they were."""
    compared_files: int = 0
    compared_metrics: int = 0
    largest_difference: float | None = None
    """Of two weights in the same place; None where they are the same, or those of the run are not at hand."""
    differences: tuple[tuple[str, str, str], ...] = ()
    """What was not as it had been when the replay began: what, then and now."""

    @property
    def sentence(self) -> str:
        """The verdict in a line."""
        if self.same:
            files = f"{counted(self.compared_files, 'file')} and " if self.compared_files else ""
            figures = counted(self.compared_metrics, "figure")
            return f"{self.run} gave the same bits as {self.replays}: {files}{figures}{self._left}"
        parts = []
        if self.metrics:
            gap = max(
                (abs(then - now) for _, then, now in self.metrics if then is not None and now is not None), default=0
            )
            of_all = counted(self.compared_metrics, "figure")
            parts.append(f"{len(self.metrics):,} of {of_all} differ, by {gap:.3g} at most")
        if self.files:
            of_files = f"{len(self.files):,} of {counted(self.compared_files, 'file')} differ"
            parts.append(of_files + self._apart)
        return f"{self.run} gave other bits than {self.replays}: {'; '.join(parts)}{self._left}"

    @property
    def _left(self) -> str:
        """What the verdict says nothing of."""
        names = ", ".join(self.not_compared)
        return f"; not compared, as it is not known what the run had: {names}" if names else ""

    @property
    def _apart(self) -> str:
        """How far the weights are apart, as far as that is known."""
        if self.largest_difference is None:
            return ""
        gap = self.largest_difference
        return f", weights by {gap:.3g} at most" if gap else ", though all weights are equal"

    def blocks(self) -> tuple[Block, ...]:
        """All of it as views draw it."""
        blocks: list[Block] = [Paragraph(text=self.sentence, tone="strong" if self.same else "error")]
        if self.metrics:
            blocks.append(Table(title="Figures", headers=("figure", "then", "now"), rows=self.metrics))
        if self.files:
            rows = tuple((name,) for name in self.files)
            blocks.append(Table(title="Other files", headers=("file",), rows=rows))
        if self.differences:
            blocks.append(
                Table(title="What was otherwise when it began", headers=("what", "then", "now"), rows=self.differences)
            )
        return tuple(blocks)

    def _repr_html_(self) -> str:
        from zoo.rendering.html import html

        return html(self.blocks())


def replayed(folder: RunFolder) -> Replayed:
    """Hold a replay against the run that it replays.

    Args:
        folder: of the replay.

    Raises:
        Unsupported: it is none, or has not finished.
        StoreInvalid: its record cannot be read.
    """
    before, after = _record_before(folder), record_of(folder)
    metrics = tuple(
        (name, before.metrics.get(name), after.metrics.get(name))
        for name in dict.fromkeys((*before.metrics, *after.metrics))
        if before.metrics.get(name) != after.metrics.get(name)
    )
    then, now = before.files | {"answers": before.answers}, after.files | {"answers": after.answers}
    unknown = ("answers",) if bool(before.answers) != bool(after.answers) else ()
    names = [name for name in dict.fromkeys((*then, *now)) if name not in unknown and (then.get(name) or now.get(name))]
    files = tuple(name for name in names if then.get(name) != now.get(name))
    return Replayed(
        run=folder.name,
        replays=before.name,
        same=not metrics and not files,
        metrics=metrics,
        files=files,
        not_compared=unknown,
        compared_files=len(names),
        compared_metrics=len(before.metrics | after.metrics),
        largest_difference=_distance(before, folder, files),
        differences=before.differences,
    )


def _record_before(folder: RunFolder) -> RunRecord:
    path = folder.path / RECORD
    if not folder.request.replays or not path.exists():
        raise Unsupported(f"run {folder.name} is no replay", f"zoo replay {folder.name} makes one of it")
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreInvalid(f"{path} cannot be read ({error})", f"replay it again: zoo rm {folder.name}") from error


def _distance(before: RunRecord, folder: RunFolder, files: tuple[str, ...]) -> float | None:
    """How far the weights are apart, where those of the run are still as they were."""
    original = RunFolder(runs_folder() / before.name).model_folder
    if not files or result_files(original) != before.files:
        return None
    gaps = [
        gap
        for name in files
        if name.endswith(".safetensors")
        and (gap := largest_difference(original / name, folder.model_folder / name)) is not None
    ]
    return max(gaps, default=None)
