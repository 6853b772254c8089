"""Completion in a shell: what may stand where the cursor is.

The shell's own script (`scripts/`) asks `zoo __complete` at each press of Tab. What is answered of commands, flags,
models and their options is read from an index (`index.py`) that the command line makes of its own parsers and of the
catalog (`zoo.cli.completion_index`), so that no plugin and no parser is imported; what changes from one moment to the
next, runs above all, is looked at in the store. An index that is out of date serves once more, while a new one is made.
"""
