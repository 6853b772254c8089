"""A word-counting text classifier for zoo."""
