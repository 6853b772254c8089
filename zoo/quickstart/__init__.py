"""Real data that quickstart runs on."""
