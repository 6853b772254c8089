"""Show what can compute here, as measured."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.devices import Device, available, choose
from zoo.units import size

HEADERS = ("DEVICE", "WHAT", "MEMORY", "FREE", "THREADS", "NATIVE", "GFLOP/S")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--refresh", action="store_true", help="measure again instead of remembering")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print a table, or JSON."""
    diagnostics.status("measuring")
    devices = available(refresh=args.refresh)
    for device in devices:
        if device.note:
            diagnostics.warn(device.note)
    if args.json:
        output.emit_json(devices)
        return ExitCode.OK
    output.table([_row(device) for device in devices], HEADERS)
    for device in devices:
        if device.instruction_sets:
            output.line(f"{device.name} instruction sets: {' '.join(device.instruction_sets)}")
    placement = choose(devices=devices)
    output.line(f"auto: {placement.device}, {placement.precision} ({placement.reason})")
    return ExitCode.OK


def _row(device: Device) -> tuple[str, ...]:
    rates = "  ".join(f"{precision} {rate:,.0f}" for precision, rate in device.rates.items())
    threads = str(device.threads) if device.threads else ""
    free = "" if device.free_bytes is None else size(device.free_bytes)
    memory = size(device.memory_bytes)
    return (device.name, device.description, memory, free, threads, " ".join(device.native), rates)
