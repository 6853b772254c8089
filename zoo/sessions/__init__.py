"""Warm models: a process that has loaded one and answers as long as someone asks.

It keeps torch out of the process that asks, and ends with it.
"""

from zoo.sessions.client import Session

__all__ = ["Session"]
