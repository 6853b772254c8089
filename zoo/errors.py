"""Every error that zoo raises on purpose, as one tree.

    ZooError
    +-- UnknownModel         no model of that name
    +-- UnknownPlugin        no plugin of that name
    +-- UnknownRun           no run of that name
    +-- PluginBroken         a plugin failed to import or breaks the contract
    +-- OptionInvalid        an option is unknown or out of bounds
    |   +-- NoSuchFigure         a figure is to decide that answers to the task never have
    +-- Unsupported          the model, plugin or machine cannot do what was asked
    |   +-- DeviceUnavailable    the device asked for is not on this machine
    +-- DatasetInvalid       the data cannot serve the task
    |   +-- InputMismatch        it is of another kind than the task takes: images, or texts
    +-- DownloadFailed       weights could not be fetched
    |   +-- ChecksumMismatch     the bytes are not the ones the card names
    +-- StoreInvalid         a file of the store is missing, unreadable or in the way
    +-- GateNotPassed        nothing that was made is good enough
    +-- RunFailed            a run ended in an error
    +-- RunCancelled         a run was stopped by request

The message says what was asked and what was found; the hint says what to do next.
Both are plain text: a view adds colour, and strips control sequences before showing them.
"""


class ZooError(Exception):
    """The root of the tree.

    Attributes:
        message: what was asked and what was found.
        hint: what to do next; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UnknownModel(ZooError):
    """No model of that name is in the catalog."""


class UnknownPlugin(ZooError):
    """No plugin of that name is installed."""


class UnknownRun(ZooError):
    """No run of that name is in the store."""


class PluginBroken(ZooError):
    """A plugin failed to import or breaks the contract."""


class OptionInvalid(ZooError):
    """An option is unknown, of the wrong type or out of bounds."""


class NoSuchFigure(OptionInvalid):
    """A figure is to decide that answers to the task never have."""


class Unsupported(ZooError):
    """The model, the plugin or this machine cannot do what was asked."""


class DeviceUnavailable(Unsupported):
    """The device asked for is not on this machine."""


class DatasetInvalid(ZooError):
    """The data cannot serve the task."""


class InputMismatch(DatasetInvalid):
    """The data is of another kind than the task takes.

    Attributes:
        content: what the data is.
        kind: what its inputs are, as `Task.input` has it.
    """

    def __init__(self, message: str, hint: str = "", *, content: str = "", kind: str = "") -> None:
        super().__init__(message, hint)
        self.content = content
        self.kind = kind


class DownloadFailed(ZooError):
    """Weights could not be fetched from any of their sources."""


class ChecksumMismatch(DownloadFailed):
    """The bytes found are not those the card names."""


class StoreInvalid(ZooError):
    """A file of the store is missing, unreadable or in the way."""


class GateNotPassed(ZooError):
    """What was made is not good enough to take the place of what was there."""


class RunFailed(ZooError):
    """A run ended in an error."""


class PlaceFull(RunFailed):
    """A place takes no more jobs of somebody for now."""


class RunCancelled(ZooError):
    """A run was stopped by request."""
