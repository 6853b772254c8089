"""Kinds of accelerators, by what torch can do with them."""

from __future__ import annotations

WITH_STREAMS = ("cuda", "xpu")
"""As torch calls them: a machine may have several of each; they copy while they compute, say by events when that is
done, have random generators of their own, and count their memory. What Apple calls mps does none of it."""
