"""Runs as files that one can hand on: a page of HTML with all that is known of them, and their curves as a picture."""

from __future__ import annotations

from zoo.reports.files import report_path, write_curves, write_page
from zoo.reports.sections import report_sections

__all__ = ["report_path", "report_sections", "write_curves", "write_page"]
