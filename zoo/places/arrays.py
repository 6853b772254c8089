"""Several jobs that a place is handed, or ends, at once: as one array where it has those, else each by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from zoo.errors import ZooError
from zoo.places.place import Place, PlacedJob


@runtime_checkable
class PlaceWithArrays(Protocol):
    """A place that takes many jobs at once, all of which differ in what they start alone."""

    def submit_array(self, jobs: Sequence[PlacedJob], name: str, folder: str) -> list[str]:
        """Hand them over, and return at once.

        Args:
            jobs: two or more.
            name: what all of them are called there.
            folder: absolute path of one that the place sees, for what it keeps of all.

        Returns:
            What the place calls each; `state`, `cancel` and `said` take that.

        Raises:
            PlaceFull: the place does not take so many now, and has none of them.
            ZooError: it does not take them, likewise; with its own words.
        """

    def cancel_jobs(self, ids: Sequence[str]) -> None:
        """End jobs, of whichever array, or take them out of the queue; those that have ended stay as they are.

        Raises:
            ZooError: the place cannot be asked, or does not end one of them.
        """


def submit_all(place: Place, jobs: Sequence[PlacedJob], name: str, folder: str) -> list[str]:
    """Hand jobs over; arguments, errors and what is returned as in `PlaceWithArrays.submit_array`."""
    if len(jobs) > 1 and isinstance(place, PlaceWithArrays):
        return place.submit_array(jobs, name, folder)
    ids: list[str] = []
    try:
        for job in jobs:
            ids.append(place.submit(job))
    except BaseException:
        give_up(place, ids)
        raise
    return ids


def cancel_all(place: Place, ids: Sequence[str]) -> None:
    """End jobs, or take them out of the queue; those that have ended stay as they are.

    Raises:
        ZooError: one cannot be ended; all others are.
    """
    if isinstance(place, PlaceWithArrays):
        place.cancel_jobs(ids)
        return
    errors: list[ZooError] = []
    for job_id in ids:
        try:
            place.cancel(job_id)
        except ZooError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def give_up(place: Place, ids: Sequence[str]) -> None:
    """Let a place keep none of some jobs; where that fails, what went wrong before is what is told."""
    with contextlib.suppress(ZooError):
        cancel_all(place, ids)
