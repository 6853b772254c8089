"""Sweeps: one training is tried with many settings, and what comes of the best becomes the result."""
