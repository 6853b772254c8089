"""Weights that were fetched: what is here, whether it is whole, and making room."""
