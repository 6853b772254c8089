"""Auditing a model: whether the rows that it learnt from can be told apart from others."""
