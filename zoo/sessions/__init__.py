"""Warm models: a process that has loaded one and answers as long as someone asks.

It keeps torch out of the process that asks. A `Session` ends with who opened it; a `WarmModel` is there for whoever
comes next, and ends when nobody has come for a while.
"""

from zoo.sessions.session import Session
from zoo.sessions.warm import WarmModel

__all__ = ["Session", "WarmModel"]
