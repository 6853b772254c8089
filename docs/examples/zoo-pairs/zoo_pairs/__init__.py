"""Pairs of texts for zoo."""
