"""What a client has of those it learns with: how they are asked, and what is learnt together."""

from __future__ import annotations

from typing import NamedTuple

from zoo.sites.client import SiteClient
from zoo.sites.messages import Membership, Terms


class SiteMembership(NamedTuple):
    """A client of a federation that is elsewhere."""

    client: SiteClient
    terms: Terms
    own: Membership
    """What is here: versions and digest; how many rows is not said yet."""
