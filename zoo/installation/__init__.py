"""Plugins brought into the running environment and taken out of it, by `uv pip` or pip."""
