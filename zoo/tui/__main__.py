"""`python -m zoo.tui` opens the terminal UI, whatever stands at the other end: `zoo serve` runs it so."""

import sys

from zoo.tui.launch import open_app

sys.exit(open_app())
