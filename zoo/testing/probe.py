"""What loading a plugin does to a process, found out in a fresh one: `python -m zoo.testing.probe PLUGIN`.

Prints one JSON object: modules it brings, milliseconds of processor time, and what its cards touched.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import msgspec


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    imports: tuple[tuple[str, str], ...]
    """Module of the plugin, and module of another package that it imports, when it is imported and asked for its
    cards."""
    import_ms: float
    """Processor time of that."""
    cards_ms: float
    """Processor time of asking for the cards once more."""
    touched: tuple[str, ...]
    """Network use, processes started and files written meanwhile."""
    same: bool
    """Whether the cards were the same the second time."""


def probe(plugin: str) -> Probe:
    """Load a plugin in a fresh process, with the network out of reach.

    Raises:
        AssertionError: it cannot be loaded; says what the process printed.
    """
    process = subprocess.run(
        [sys.executable, "-m", "zoo.testing.probe", plugin],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, f"plugin {plugin} does not load in a fresh process:\n{process.stderr}"
    return msgspec.json.decode(process.stdout.splitlines()[-1], type=Probe)


def _watch(touched: list[str]) -> None:
    """Note what leaves the process from now on, and refuse the network."""
    outward = {"socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system"}

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
            touched.append(f"wrote {args[0]}")
        elif event in outward:
            touched.append(f"{event} {args[1] if event == 'socket.connect' else args[0]}")
            raise OSError("the network and other processes are out of reach while cards are described")

    sys.addaudithook(hook)


class _Importers:
    """Notes which module asks for which, without having a hand in it."""

    def __init__(self, imports: list[tuple[str, str]]) -> None:
        self._imports = imports

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Find nothing; the frames on the stack show who asks."""
        frame = sys._getframe(1)
        while frame.f_back and _root(frame.f_globals.get("__name__", "")) == "importlib":
            frame = frame.f_back
        self._imports.append((str(frame.f_globals.get("__name__")), name))


def main(plugin: str) -> None:
    """Load it and print what was observed."""
    from zoo.plugins import load_plugin, plugin_names

    sys.dont_write_bytecode = True
    plugin_names()
    imports, touched = list[tuple[str, str]](), list[str]()
    sys.meta_path.insert(0, _Importers(imports))
    _watch(touched)
    began = time.process_time()
    loaded = load_plugin(plugin)
    imported = time.process_time()
    again = tuple(loaded.module.cards()) if hasattr(loaded.module, "cards") else ()
    ended = time.process_time()
    own = _root(loaded.module.__name__)
    facts = {
        "imports": [
            (importer, name)
            for importer, name in imports
            if _root(importer) == own != _root(name) and name in sys.modules
        ],
        "import_ms": (imported - began) * 1000,
        "cards_ms": (ended - imported) * 1000,
        "touched": touched,
        "same": [msgspec.structs.replace(card, plugin=plugin) for card in again] == list(loaded.cards),
    }
    print(json.dumps(facts))  # noqa: T201 - its answer


def _root(module: str) -> str:
    """Its package."""
    return module.partition(".")[0]


if __name__ == "__main__":
    main(sys.argv[1])
