"""Where runs compute: this machine, a cluster, whatever others bring. What a place is, `place.py` says.

A place is declared in `places.toml` (`table.py`) and is of a kind (`kinds.py`); it is handed a job, says what has
become of it, and ends it. It knows no run: what it starts is a command, and all else is told by files in a folder.
"""
