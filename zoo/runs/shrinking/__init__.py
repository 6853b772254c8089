"""Making a model smaller: candidates are packed, measured and judged, and one that loses nothing is published."""
