"""zoo: a model zoo in which every model is a plugin.

Everything public is importable from here and loaded on first use, so that `import zoo` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.api import (
        Model as Model,
        Run as Run,
        evaluate as evaluate,
        finetune as finetune,
        list_runs as list_runs,
        load as load,
        models as models,
        open_run as open_run,
        predict_file as predict_file,
        pretrain as pretrain,
    )
    from zoo.card import (
        Ability as Ability,
        Card as Card,
        FolderSource as FolderSource,
        HubSource as HubSource,
        ImageInput as ImageInput,
        PackageSource as PackageSource,
        PublishedMetric as PublishedMetric,
        TextInput as TextInput,
        UrlSource as UrlSource,
        Weights as Weights,
        WeightsFile as WeightsFile,
    )
    from zoo.data.example import (
        Example as Example,
    )
    from zoo.errors import (
        ChecksumMismatch as ChecksumMismatch,
        DatasetInvalid as DatasetInvalid,
        DeviceUnavailable as DeviceUnavailable,
        DownloadFailed as DownloadFailed,
        OptionInvalid as OptionInvalid,
        PluginBroken as PluginBroken,
        RunCancelled as RunCancelled,
        RunFailed as RunFailed,
        StoreInvalid as StoreInvalid,
        UnknownModel as UnknownModel,
        UnknownPlugin as UnknownPlugin,
        UnknownRun as UnknownRun,
        Unsupported as Unsupported,
        ZooError as ZooError,
    )
    from zoo.hookspecs import (
        hookimpl as hookimpl,
    )
    from zoo.hyperparameters import (
        FinetuneOptions as FinetuneOptions,
        PretrainOptions as PretrainOptions,
        TrainingOptions as TrainingOptions,
    )
    from zoo.metrics import (
        ClassificationMetrics as ClassificationMetrics,
        MeanLoss as MeanLoss,
    )
    from zoo.options import (
        Options as Options,
        option as option,
    )
    from zoo.prediction import (
        Classification as Classification,
        Embedding as Embedding,
        FilledMask as FilledMask,
        Prediction as Prediction,
        Rejected as Rejected,
        Score as Score,
    )
    from zoo.runs.context import (
        FitResult as FitResult,
        PredictionRun as PredictionRun,
        Predictor as Predictor,
        Trainable as Trainable,
        TrainingRun as TrainingRun,
    )
    from zoo.task import (
        Task as Task,
    )

__version__ = "0.1.0"

_HOME = {
    "zoo.api": (
        "Model",
        "Run",
        "evaluate",
        "finetune",
        "list_runs",
        "load",
        "models",
        "open_run",
        "predict_file",
        "pretrain",
    ),
    "zoo.card": (
        "Ability",
        "Card",
        "FolderSource",
        "HubSource",
        "ImageInput",
        "PackageSource",
        "PublishedMetric",
        "TextInput",
        "UrlSource",
        "Weights",
        "WeightsFile",
    ),
    "zoo.data.example": ("Example",),
    "zoo.errors": (
        "ChecksumMismatch",
        "DatasetInvalid",
        "DeviceUnavailable",
        "DownloadFailed",
        "OptionInvalid",
        "PluginBroken",
        "RunCancelled",
        "RunFailed",
        "StoreInvalid",
        "UnknownModel",
        "UnknownPlugin",
        "UnknownRun",
        "Unsupported",
        "ZooError",
    ),
    "zoo.hookspecs": ("hookimpl",),
    "zoo.hyperparameters": ("FinetuneOptions", "PretrainOptions", "TrainingOptions"),
    "zoo.metrics": ("ClassificationMetrics", "MeanLoss"),
    "zoo.options": ("Options", "option"),
    "zoo.prediction": ("Classification", "Embedding", "FilledMask", "Prediction", "Rejected", "Score"),
    "zoo.runs.context": ("FitResult", "PredictionRun", "Predictor", "Trainable", "TrainingRun"),
    "zoo.task": ("Task",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE_OF)]  # noqa: PLE0604  (names are resolved by __getattr__)


def __getattr__(name: str) -> Any:
    try:
        module = _MODULE_OF[name]
    except KeyError:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
