"""What is known of a training before anything of it was measured."""

from __future__ import annotations

from zoo.abilities import ability_verb
from zoo.catalog import Catalog
from zoo.disk import free_bytes
from zoo.paths import runs_folder
from zoo.planning.machine import Machine
from zoo.planning.words import fetch_fact
from zoo.runs.request import RunRequest
from zoo.units import size

_BYTES = 4
"""Of a parameter in a result."""


def estimated_facts(request: RunRequest, catalog: Catalog, machine: Machine, fetch_bytes: int | None) -> dict[str, str]:
    """By the names that `cost_facts` has for the same when it is measured.

    Args:
        request: of the training.
        catalog: all models.
        machine: this one.
        fetch_bytes: of weights that are not here.
    """
    card = next((one for one in catalog.cards if one.full_name == request.model), None)
    needed = card.memory_bytes(ability_verb(request.verb)) if card else None
    result = card.parameters * _BYTES if card and card.parameters else 0
    free = "" if request.place else f"; {size(machine.free_bytes)} free"
    facts = {
        "fetch": "" if fetch_bytes == 0 else fetch_fact(fetch_bytes),
        "memory": f"at least {size(needed)}, estimated{free}" if needed else "",
        "disk": f"result about {size(result)}, estimated; {size(free_bytes(runs_folder()))} free" if result else "",
        "machine": f"place {request.place}, which measures it in a job" if request.place else machine.facts(),
    }
    return {name: fact for name, fact in facts.items() if fact}
