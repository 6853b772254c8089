"""What went wrong with a run: named rules over its record, each with its evidence and with commands that help."""

from __future__ import annotations

from zoo.diagnosis.diagnosing import Diagnosis, diagnose
from zoo.diagnosis.finding import Evidence, Finding, Remedy

__all__ = ["Diagnosis", "Evidence", "Finding", "Remedy", "diagnose"]
