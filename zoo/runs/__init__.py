"""Runs: what was asked for, what happens, what came of it. Each job is a folder and a process of its own."""
