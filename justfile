# Everything a developer types. `uv run just` lists it.

_default:
    @just --list

# What CI checks, tests apart.
check:
    uv run ruff format --check .
    uv run ruff check .
    uv run mypy
    uv run lint-imports

# All tests, or those named: `just test tests/cli -k predict`.
test *arguments:
    uv run pytest {{arguments}}

# What to run while working, in under three minutes: all tests but those that train, start processes, or take long.
quick *arguments:
    uv run pytest -n 2 --dist worksteal -m "not slow and not wheels" {{arguments}}

# Put the code into the house's shape.
fmt:
    uv run ruff format .
    uv run ruff check --fix .

# Start-up times beside bare Python and the Hub's own command.
bench *arguments:
    uv run bench/startup.py {{arguments}}

# The tests of each plugin against the wheels of zoo and the plugin, and of Flower's sites, in environments that hold nothing else.
wheels:
    uv run pytest -m wheels tests/test_wheels.py tests/test_flower.py

# The documentation as a site, in site/; complains of links that lead nowhere.
docs:
    uv run --group docs zensical build --clean --strict
