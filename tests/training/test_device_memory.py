"""The memory of processes that share a training, on one machine and on several."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
from zoo.training.device_memory import of_machines


@pytest.mark.parametrize(("beside", "expected"), [("4", [10]), ("2", [3, 7]), ("1", [1, 2, 3, 4])])
def test_what_processes_of_a_machine_take_is_added_up(
    beside: str, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", beside)
    assert expected == of_machines([1, 2, 3, 4])
