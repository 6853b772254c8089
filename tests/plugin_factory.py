"""Plugins written to disk as real installed distributions, for this process or for children that inherit PYTHONPATH."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest


def write_plugin(
    site: Path,
    name: str,
    source: str,
    *,
    distribution: str | None = None,
    version: str = "1.0",
    module: str | None = None,
    group: str = "zoo.plugins",
) -> None:
    """Write a module and the metadata of a distribution whose entry point names it.

    Args:
        site: folder to be put on the import path.
        name: name of the entry point.
        source: text of the module; common indentation is removed.
        distribution: name of the distribution; `zoo-NAME` if not given.
        version: of the distribution.
        module: name of the module; made from the distribution's if not given.
        group: of the entry point.
    """
    distribution = distribution or f"zoo-{name}"
    module = module or distribution.replace("-", "_")
    site.mkdir(parents=True, exist_ok=True)
    (site / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")


def use_site(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a folder on the import path of this process and of its children."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])))
