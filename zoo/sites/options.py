"""What a server asks for, and how long it waits for whom."""

from __future__ import annotations

from typing import Annotated

from zoo.options import Options, option


class ServingOptions(Options, frozen=True, kw_only=True):
    """What a server of sites asks for, and how long it waits for whom."""

    labels: Annotated[
        str, option("All that any client may have, such as no,yes; clients tell none. Those of --eval if not given.")
    ] = ""
    deadline: Annotated[
        float,
        option(
            "How long a round, and the beginning, waits for clients; who is later is left out of the round.",
            ge=1,
            le=10_000_000,
            unit="s",
        ),
    ] = 3600.0
    least: Annotated[
        int, option("Clients of which something has to come in a round; for fewer it is waited.", ge=1, le=10_000)
    ] = 2
    away: Annotated[
        float,
        option(
            "A client that was not heard of for so long is away: no round waits for it.",
            ge=1,
            le=1_000_000,
            unit="s",
            advanced=True,
        ),
    ] = 60.0
