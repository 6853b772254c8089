"""Picking a model: several are tried on the data, first cheaply, the better ones longer; one becomes the result."""
