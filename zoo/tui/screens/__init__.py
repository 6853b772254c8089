"""One screen, one file; its style stands beside it."""
