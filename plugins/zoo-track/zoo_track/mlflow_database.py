"""The database that MLflow writes to where nobody names a server: beside zoo's runs, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILE = "mlflow.db"
"""MLflow's own name for it."""
MAKE = "import sys, mlflow; mlflow.MlflowClient(tracking_uri=sys.argv[1]).search_experiments()"


def address_of(path: Path) -> str:
    """As MLflow names a database in a file."""
    return f"sqlite:///{path.as_posix()}"


def make_database(path: Path) -> None:
    """Make it where there is none.

    MLflow takes seconds for its tables, and none can be added to a database whose making was broken off, so a process
    makes it under another name, which ends however the run does.

    Raises:
        RuntimeError: it cannot be made.
    """
    if path.exists():
        return
    partial = path.with_name(f".{path.name}-{os.getpid()}")
    partial.unlink(missing_ok=True)
    made = subprocess.run(
        [sys.executable, "-c", MAKE, address_of(partial)], capture_output=True, encoding="utf-8", check=False
    )
    if made.returncode or not partial.exists():
        raise RuntimeError(f"{path} cannot be made: {' '.join(made.stderr.splitlines()[-1:])}")
    try:
        os.link(partial, path)
    except FileExistsError:
        pass  # another run has made it meanwhile, and writes to it
    except OSError:  # a file system without links
        if not path.exists():
            partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
