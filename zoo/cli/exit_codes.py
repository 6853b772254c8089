"""How a command ends, by kind of error."""

from __future__ import annotations

from enum import IntEnum

from zoo import errors


class ExitCode(IntEnum):
    """What the shell gets."""

    OK = 0
    FAILED = 1
    """A run failed, or something unexpected happened."""
    USAGE = 2
    """What was typed cannot be done: unknown names, options out of bounds, a device that is not there."""
    DOWNLOAD = 3
    DATA = 4
    PLUGIN = 5
    STORE = 6
    GATE = 7
    """Nothing that was made is good enough."""
    INTERRUPTED = 130


_BY_KIND: dict[type[errors.ZooError], ExitCode] = {
    errors.UnknownModel: ExitCode.USAGE,
    errors.UnknownPlugin: ExitCode.USAGE,
    errors.UnknownRun: ExitCode.USAGE,
    errors.OptionInvalid: ExitCode.USAGE,
    errors.NoSuchFigure: ExitCode.USAGE,
    errors.Unsupported: ExitCode.USAGE,
    errors.DeviceUnavailable: ExitCode.USAGE,
    errors.PluginBroken: ExitCode.PLUGIN,
    errors.DatasetInvalid: ExitCode.DATA,
    errors.InputMismatch: ExitCode.DATA,
    errors.DownloadFailed: ExitCode.DOWNLOAD,
    errors.ChecksumMismatch: ExitCode.DOWNLOAD,
    errors.StoreInvalid: ExitCode.STORE,
    errors.GateNotPassed: ExitCode.GATE,
    errors.RunFailed: ExitCode.FAILED,
    errors.PlaceFull: ExitCode.FAILED,
    errors.RunCancelled: ExitCode.INTERRUPTED,
}


def exit_code(error: errors.ZooError) -> ExitCode:
    """The code of an error's kind; a plugin's own kind counts as the one it is derived from."""
    kinds: list[type] = type(error).mro()
    return next((_BY_KIND[kind] for kind in kinds if kind in _BY_KIND), ExitCode.FAILED)


def exit_code_of_kind(kind: str) -> ExitCode:
    """The code of an error that a run recorded by the name of its class."""
    return exit_code_by_name().get(kind, ExitCode.FAILED)


def exit_code_by_name() -> dict[str, ExitCode]:
    """Name of each error class to its code."""
    return {error.__name__: code for error, code in _BY_KIND.items()}
