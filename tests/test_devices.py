"""Devices are measured in a child process, remembered, and chosen from with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from zoo import atomic, devices
from zoo.devices import Device, available, choose, first_device
from zoo.errors import DeviceUnavailable, OptionInvalid, Unsupported

CPU = Device(
    name="cpu",
    kind="cpu",
    description="EPYC",
    memory_bytes=16 * 10**9,
    rates={"fp32": 100.0, "bf16": 210.0},
    native=("fp32", "bf16"),
)
OLD_CPU = msgspec.structs.replace(CPU, rates={"fp32": 100.0, "bf16": 20.0}, native=("fp32",))
XPU = Device(name="xpu:0", kind="xpu", description="Arc", memory_bytes=16 * 10**9)
MPS = Device(name="mps", kind="mps", description="M3", memory_bytes=24 * 10**9)


def cuda(
    number: int,
    *,
    free_gb: int | None = None,
    memory_gb: int = 24,
    native: tuple[str, ...] = ("fp32",),
    rates: dict[str, float] | None = None,
) -> Device:
    return Device(
        name=f"cuda:{number}",
        kind="cuda",
        description=f"card {number}",
        memory_bytes=memory_gb * 10**9,
        free_bytes=None if free_gb is None else free_gb * 10**9,
        native=native,
        rates=rates or {},
        uuid=f"uuid-{number}",
    )


@pytest.fixture(autouse=True)
def known_devices() -> None:
    """Nothing is known of this machine's devices at first, nor is what is measured here kept for other tests."""


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory, measurement: Path) -> tuple[tuple[Device, ...], bytes]:
    """This machine as it really is, and the file that remembers it."""
    pytest.importorskip("torch")
    home = tmp_path_factory.mktemp("measured-home")
    path = home / "cache" / "devices.json"
    if measurement.exists():
        path.parent.mkdir()
        path.write_bytes(measurement.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(home))
        devices = available()
    content = path.read_bytes()
    atomic.write_bytes(measurement, content)
    return devices, content


@pytest.fixture
def cache(store: Path) -> Path:
    return store / "cache" / "devices.json"


@pytest.fixture
def torch_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a module in torch's place, for child processes."""

    def put(source: str) -> None:
        (tmp_path / "torch.py").write_text(source, "utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


NO_TORCH = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"


def test_the_cpu_is_measured_as_it_is(measured: tuple[tuple[Device, ...], bytes]) -> None:
    cpu = measured[0][0]

    assert ("cpu", "cpu") == (cpu.name, cpu.kind)
    assert cpu.description
    assert 1 <= cpu.threads <= (os.cpu_count() or 1)
    assert 0 < cpu.memory_bytes <= psutil.virtual_memory().total
    assert cpu.free_bytes is not None
    assert 0 < cpu.free_bytes <= cpu.memory_bytes
    assert ["fp32", "bf16"] == list(cpu.rates)


def test_a_precision_is_native_where_it_is_measured_to_be_faster(measured: tuple[tuple[Device, ...], bytes]) -> None:
    cpu = measured[0][0]

    assert cpu.rates["fp32"] > 0
    assert ("bf16" in cpu.native) == (cpu.rates["bf16"] >= 1.2 * cpu.rates["fp32"])
    assert "fp32" == cpu.native[0]


def test_what_was_measured_is_remembered_but_for_free_memory(
    measured: tuple[tuple[Device, ...], bytes], cache: Path, torch_is: Callable[[str], None]
) -> None:
    torch_is("raise SystemExit('measured again')")
    cache.parent.mkdir()
    cache.write_bytes(measured[1])
    remembered = available()

    assert _without_free_memory(measured[0]) == _without_free_memory(remembered)
    assert remembered[0].free_bytes is not None
    assert b'"free_bytes":null' in measured[1]


def test_nothing_heavy_is_imported_to_choose(measured: tuple[tuple[Device, ...], bytes], cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(measured[1])
    program = (
        "import sys, zoo.devices; zoo.devices.choose()\n"
        "print(sorted({'torch', 'numpy', 'rich', 'httpx', 'zoo.device_probe'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


def test_without_torch_there_is_the_cpu_in_fp32(cache: Path, torch_is: Callable[[str], None]) -> None:
    torch_is(NO_TORCH)
    (cpu,) = available()

    assert "cpu" == cpu.name
    assert {} == cpu.rates
    assert ("fp32",) == cpu.native
    assert "torch is not installed" in cpu.note
    placement = choose()
    assert ("cpu", "fp32") == (placement.device, placement.precision)
    assert "torch" not in placement.reason
    with pytest.raises(DeviceUnavailable, match="torch is not installed"):
        choose("cuda")


def test_a_torch_that_cannot_be_imported_is_told_wherever_a_device_is_chosen(
    cache: Path, torch_is: Callable[[str], None]
) -> None:
    torch_is("raise ImportError('libcudart.so.12: cannot open shared object file')")

    assert "torch cannot be imported (libcudart.so.12" in choose().reason


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"key": "\xff', b'{"key": 1, "devices": []}', b'{"key": "k", "devices": [{}]}']
)
def test_a_broken_cache_is_measured_anew(content: bytes, cache: Path, torch_is: Callable[[str], None]) -> None:
    torch_is(NO_TORCH)
    cache.parent.mkdir()
    cache.write_bytes(content)

    assert ["cpu"] == [device.name for device in available()]
    assert b"torch is not installed" in cache.read_bytes()


def test_refreshing_and_other_visible_cards_measure_anew(
    cache: Path, torch_is: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_is(NO_TORCH)
    available()
    torch_is("raise ImportError('second time')")
    assert "second time" not in available()[0].note
    assert "second time" in available(refresh=True)[0].note

    torch_is("raise ImportError('third time')")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert "third time" in available()[0].note


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os; print('half an answer', flush=True); os.abort()", "could not be measured"),
        ("raise RuntimeError('driver mismatch')", "RuntimeError: driver mismatch"),
        ("raise SystemExit", "could not be measured"),
    ],
)
def test_a_probe_that_dies_leaves_the_cpu_and_is_not_remembered(
    source: str, reason: str, cache: Path, torch_is: Callable[[str], None]
) -> None:
    torch_is(source)
    (cpu,) = available()

    assert ("cpu", ("fp32",)) == (cpu.name, cpu.native)
    assert reason in cpu.note
    assert cpu.threads >= 1
    assert cpu.memory_bytes > 0
    assert not cache.exists()


def test_a_probe_that_hangs_is_given_up(
    cache: Path, torch_is: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_is("import time; time.sleep(60)")
    monkeypatch.setattr(devices, "PROBE_TIMEOUT_S", 1.0)

    assert "no answer within 1 s" in available()[0].note


def test_what_torch_prints_does_not_spoil_the_answer(cache: Path, torch_is: Callable[[str], None]) -> None:
    torch_is("print('hello from a driver', flush=True)\n" + NO_TORCH)

    assert "torch is not installed" in available()[0].note


def test_a_torch_file_in_the_current_folder_is_not_run(
    tmp_path: Path, torch_is: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_is(NO_TORCH)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "torch.py").write_text("raise SystemExit('ran')", "utf-8")
    monkeypatch.chdir(folder)

    assert "torch is not installed" in available()[0].note


def test_a_cache_that_cannot_be_written_is_noted(cache: Path, torch_is: Callable[[str], None]) -> None:
    torch_is(NO_TORCH)
    cache.mkdir(parents=True)
    (cpu,) = available()

    assert "torch is not installed" in cpu.note
    assert "could not be remembered: " in cpu.note
    assert "Errno" not in cpu.note


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the driver's tool is a shell script")
def test_free_memory_of_cards_is_asked_of_their_driver(
    measured: tuple[tuple[Device, ...], bytes], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = msgspec.json.decode(measured[1])
    document["devices"] += msgspec.to_builtins([cuda(0, free_gb=1), cuda(1), cuda(2)])
    cache.parent.mkdir()
    cache.write_bytes(msgspec.json.encode(document))
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU-uuid-0, 2000'\necho 'GPU-uuid-1, 9000'\necho 'GPU-uuid-2, [N/A]'\n", "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    cards = [device for device in available() if device.uuid.startswith("uuid-")]
    assert [2000 * 2**20, 9000 * 2**20, None] == [card.free_bytes for card in cards]
    assert "cuda:1" == choose("cuda").device

    tool.write_text("#!/bin/sh\nexit 9\n", "utf-8")
    assert {None} == {device.free_bytes for device in available() if device.kind == "cuda"}


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        ((CPU,), "cpu"),
        ((CPU, MPS), "mps"),
        ((CPU, MPS, XPU), "xpu:0"),
        ((CPU, XPU, MPS, cuda(0)), "cuda:0"),
        ((CPU, cuda(0, free_gb=3), cuda(1, free_gb=20), cuda(2, free_gb=7)), "cuda:1"),
        ((CPU, cuda(0, memory_gb=12), cuda(1, memory_gb=48)), "cuda:1"),
    ],
)
def test_auto_takes_the_best_kind_and_then_the_most_free_memory(here: tuple[Device, ...], expected: str) -> None:
    assert expected == choose(devices=here).device


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        ((CPU,), "no accelerator found; bf16 is native here, 2.1x the rate of fp32"),
        ((OLD_CPU,), "no accelerator found; bf16 is not native here"),
        ((CPU, cuda(0)), "the fastest kind here: card 0; bf16 is not native here"),
        (
            (CPU, cuda(0, native=("fp32", "fp16"), rates={"fp32": 8_000.0, "fp16": 50_000.0})),
            "the fastest kind here: card 0; bf16 is not native here, but fp16 is, 6.2x the rate of fp32",
        ),
        (
            (CPU, cuda(0, free_gb=3), cuda(1, free_gb=9, native=("fp32", "bf16"))),
            "the fastest kind here: card 1, the cuda with the most free memory; bf16 is native here",
        ),
    ],
)
def test_the_reason_is_one_line(here: tuple[Device, ...], expected: str) -> None:
    assert expected == choose(devices=here).reason


@pytest.mark.parametrize(
    ("device", "expected"),
    [("cpu", "cpu"), ("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("xpu", "xpu:0"), ("xpu:0", "xpu:0"), ("mps", "mps")],
)
def test_a_device_that_is_asked_for_is_taken(device: str, expected: str) -> None:
    here = (CPU, cuda(0, free_gb=3), cuda(1, free_gb=20), XPU, MPS)

    placement = choose(device, devices=here)
    assert expected == placement.device
    assert placement.reason.startswith("as asked")


@pytest.mark.parametrize("absent", ["cuda", "cuda:1", "mps", "xpu", "xpu:7"])
def test_an_absent_device_is_an_error_that_names_what_is_here(absent: str) -> None:
    here = (CPU,) if absent == "cuda" else (CPU, cuda(0))
    with pytest.raises(DeviceUnavailable, match=f"there is no {absent} here") as failure:
        choose(absent, devices=here)

    assert f"there is {', '.join(device.name for device in here)}" == failure.value.hint


def test_an_absent_device_is_explained_by_what_measuring_noted() -> None:
    here = (msgspec.structs.replace(CPU, note="the driver is too old"),)
    with pytest.raises(DeviceUnavailable) as failure:
        choose("cuda", devices=here)

    assert "there is cpu; the driver is too old" == failure.value.hint


@pytest.mark.parametrize(
    "device", ["", "gpu", "CPU", "cpu:0", "mps:0", "cuda:", "cuda:-1", "cuda:00", "cuda:1 ", "cuda:\u0661", "cpu\n"]
)
def test_a_malformed_device_is_an_invalid_option(device: str) -> None:
    with pytest.raises(OptionInvalid, match="--device is"):
        choose(device, devices=(CPU,))


def test_int8_is_for_the_cpu_and_never_chosen_unasked() -> None:
    assert "int8" == choose("auto", "int8", devices=(CPU,)).precision
    assert "int8" != choose("auto", "auto", devices=(CPU,)).precision
    with pytest.raises(Unsupported, match="not on cuda:0"):
        choose("cuda", "int8", devices=(CPU, cuda(0)))


@pytest.mark.parametrize("precision", ["", "fp64", "BF16", "int4"])
def test_a_malformed_precision_is_an_invalid_option(precision: str) -> None:
    with pytest.raises(OptionInvalid, match="--precision is"):
        choose("cpu", precision, devices=(CPU,))


def test_a_precision_that_is_not_native_is_allowed_and_said_to_be_slow() -> None:
    placement = choose("cpu", "bf16", devices=(OLD_CPU,))

    assert "bf16" == placement.precision
    assert "not native here and slower than fp32" in placement.reason
    assert "as asked; bf16 as asked" == choose("cpu", "bf16", devices=(CPU,)).reason
    assert "as asked; fp32 as asked" == choose("cuda:0", "fp32", devices=(CPU, cuda(0))).reason
    assert "fp16" == choose("cuda", "fp16", devices=(CPU, cuda(0))).precision


@pytest.mark.parametrize("precision", ["cpu", "auto"])
def test_fp16_on_a_cpu_is_refused(precision: str) -> None:
    with pytest.raises(Unsupported) as failure:
        choose(precision, "fp16", devices=(CPU,))

    assert "use --precision bf16 or fp32" == failure.value.hint


def test_fp32_on_the_cpu_needs_no_measuring(cache: Path, torch_is: Callable[[str], None]) -> None:
    torch_is("raise SystemExit('measured')")

    assert "as asked" == choose("cpu", "fp32").reason
    assert not cache.exists()


def _without_free_memory(devices: tuple[Device, ...]) -> list[Device]:
    return [msgspec.structs.replace(device, free_bytes=None) for device in devices]


@pytest.mark.parametrize(
    ("device", "supported", "expected"),
    [
        (cuda(0, native=("fp32", "fp16")), ("fp32", "bf16", "fp16"), "fp16"),
        (cuda(0, native=("fp32", "fp16")), ("fp32", "bf16"), "fp32"),
        (cuda(0, native=("fp32", "bf16", "fp16")), ("fp32", "bf16", "fp16"), "bf16"),
        (cuda(0, native=("fp32", "bf16", "fp16")), ("fp32", "fp16"), "fp32"),
        (msgspec.structs.replace(MPS, native=("fp32", "fp16")), ("fp32", "bf16", "fp16"), "fp32"),
        (cuda(0), ("fp32", "bf16", "fp16"), "fp32"),
    ],
)
def test_auto_takes_fp16_on_a_cuda_card_without_bf16(device: Device, supported: tuple[str, ...], expected: str) -> None:
    assert expected == choose(devices=(CPU, device), supported=supported).precision


def test_auto_keeps_to_what_the_model_knows() -> None:
    placement = choose(devices=(CPU,), supported=("fp32",))

    assert (placement.precision, placement.reason) == ("fp32", "no accelerator found; the model knows no bf16")


def test_several_processes_take_the_first_devices_of_a_kind(accelerators: None) -> None:
    assert [first_device("cuda:1", 1, "cuda:1"), first_device("cuda:1", 2), first_device("cpu", 64)] == [
        "cuda:1",
        "cuda:0",
        "cpu",
    ]
    with pytest.raises(Unsupported, match="3 processes were asked for, but 2 cuda devices are here"):
        first_device("cuda:0", 3)
    with pytest.raises(OptionInvalid, match="--device is cuda:1, and 2 processes take the first 2 cuda devices"):
        first_device("cuda:1", 2, "cuda:1")
