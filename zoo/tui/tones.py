"""The colours of the terminal UI: tones and what they look like, and the tone of each state of a run."""

from __future__ import annotations

TONE_STYLES = {"good": "$text-success", "bad": "$text-error", "warn": "$text-warning", "quiet": "$text-muted"}
"""Tones of a text to the theme's colours."""
STATUS_TONES = {
    "running": "good",
    "starting": "good",
    "queued": "warn",
    "failed": "bad",
    "crashed": "bad",
    "cancelled": "warn",
    "interrupted": "warn",
    "waiting": "quiet",
}
"""States of a run that differ from plain text."""


def status_style(status: str) -> str:
    """The colour of a run's state; empty where it is plain."""
    return TONE_STYLES.get(STATUS_TONES.get(status, ""), "")
