"""Jobs one after the other, each on the result of the one before; all are checked before the first begins."""

from __future__ import annotations

import msgspec

from zoo.catalog import Catalog
from zoo.errors import OptionInvalid, Unsupported
from zoo.jobs import Job
from zoo.planned_results import beginning_from, with_result
from zoo.requests import request_of
from zoo.runs import store
from zoo.runs.request import RunRequest


class JobSequence:
    """The requests of runs, each of which begins from the result of the one before.

    Args:
        first: request of the first.
        catalog: all models.
    """

    def __init__(self, first: RunRequest, catalog: Catalog) -> None:
        self.requests: list[RunRequest] = []
        self.catalog = catalog
        """All models, and those that the runs so far will have made."""
        self._take(first)

    @property
    def model(self) -> str:
        """Name of the result that the next job begins from."""
        return self.requests[-1].name

    def add(self, job: Job, head: str = "") -> RunRequest:
        """Check one more job; where it names a model, that is to be the result of the one before, or a head of it.

        Args:
            job: what is asked for.
            head: of that result, that it begins from; empty where the job says it.

        Raises:
            ZooError: it names another model or a name that is taken, or cannot serve.
        """
        if self.requests[-1].verb not in ("pretrain", "finetune"):
            raise Unsupported(f"{self.model} makes no model that anything could begin from", "let it be the last")
        result = f"{self.requests[-1].plugin}/{self.model}"
        names = {result, *(card.full_name for card in self.catalog.cards if card.full_name.startswith(f"{result}."))}
        if head and f"{result}.{head}" not in names:
            heads = ", ".join(sorted(name.removeprefix(f"{result}.") for name in names - {result}))
            raise OptionInvalid(f"{self.model} has no head {head!r}", f"it has {heads or 'none by a name'}")
        job = msgspec.structs.replace(job, model=f"{result}.{head}") if head else job
        names |= {name.partition("/")[2] for name in names}
        if job.model not in ("", *names):
            raise OptionInvalid(
                f"{job.model} is not the model that comes of what is done before, which is {self.model}",
                "leave the model out",
            )
        if job.name in (request.name for request in self.requests):
            raise OptionInvalid(f"{job.name!r} is the name of what is done before", "choose another name")
        request = request_of(msgspec.structs.replace(job, model=job.model or result), self.catalog)
        self._take(beginning_from(request, self.requests[-1]))
        return self.requests[-1]

    def _take(self, request: RunRequest) -> None:
        named = msgspec.structs.replace(request, name=request.name or store.unused_name(request))
        self.requests.append(named)
        if named.verb in ("pretrain", "finetune"):
            self.catalog = with_result(self.catalog, named)
