"""What a client has of those it learns with: how they are asked, and what is learnt together."""

from __future__ import annotations

from typing import NamedTuple

from zoo.sites.client import SiteClient
from zoo.sites.messages import Terms


class SiteMembership(NamedTuple):
    """A client of a federation that is elsewhere."""

    client: SiteClient
    terms: Terms
