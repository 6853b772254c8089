"""What was measured of texts, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.kinds.facts import Finding, Lengths
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Part

TRUNCATED_SHARE = 0.05


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How long they are."""
    if part.lengths:
        yield "lengths", lengths_text(part.lengths, in_windows=bool(part.spans))


def findings(part: Part) -> Iterator[Finding]:
    """Texts that are cut."""
    lengths = part.lengths
    if lengths and lengths.truncated_share and not part.spans:  # which are looked for in all of a text
        yield Finding(
            "warning" if lengths.truncated_share > TRUNCATED_SHARE else "info",
            f"{part.path}: {lengths.truncated_share:.1%} of the inputs are longer than the {lengths.max_tokens} tokens "
            "that are read; what comes after is not seen",
        )


def lengths_text(lengths: Lengths, *, in_windows: bool = False) -> str:
    """How long texts are, in words.

    Args:
        lengths: of the texts.
        in_windows: whether what is longer than the model reads at once is read in several windows, and not cut.
    """
    half = counted(lengths.p50, lengths.unit.removesuffix("s"))
    text = f"half up to {half}, 90% up to {lengths.p90:,}, 99% up to {lengths.p99:,}, longest {lengths.max:,}"
    if lengths.truncated_share is None:
        return text
    if in_windows:
        longer = f"{lengths.truncated_share:.1%} need" if lengths.truncated_share else "none needs"
        return f"{text}; {longer} more than one window of {lengths.max_tokens:,}"
    cut = f"{lengths.truncated_share:.1%} are" if lengths.truncated_share else "none is"
    return f"{text}; up to {lengths.max_tokens:,} are read: {cut} cut"
