"""zoo: a model zoo in which every model is a plugin.

Everything public is importable from here and loaded on first use, so that `import zoo` costs next to nothing.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
"""What type checkers take to be true, as in `typing`, whose import is a third of what `zoo --help` takes."""
if TYPE_CHECKING:
    import typing

    from zoo.answers import (
        Answer as Answer,
    )
    from zoo.answers import (
        AnswerCells as AnswerCells,
    )
    from zoo.answers import (
        Classification as Classification,
    )
    from zoo.answers import (
        Embedding as Embedding,
    )
    from zoo.answers import (
        FilledMask as FilledMask,
    )
    from zoo.answers import (
        InvalidAnswer as InvalidAnswer,
    )
    from zoo.answers import (
        LabelSet as LabelSet,
    )
    from zoo.answers import (
        Prediction as Prediction,
    )
    from zoo.answers import (
        Quantity as Quantity,
    )
    from zoo.answers import (
        Rejected as Rejected,
    )
    from zoo.answers import (
        Score as Score,
    )
    from zoo.api import (
        Model as Model,
    )
    from zoo.api import (
        Run as Run,
    )
    from zoo.api import (
        evaluate as evaluate,
    )
    from zoo.api import (
        finetune as finetune,
    )
    from zoo.api import (
        list_runs as list_runs,
    )
    from zoo.api import (
        load as load,
    )
    from zoo.api import (
        models as models,
    )
    from zoo.api import (
        open_run as open_run,
    )
    from zoo.api import (
        predict_file as predict_file,
    )
    from zoo.api import (
        pretrain as pretrain,
    )
    from zoo.blocks import (
        Bar as Bar,
    )
    from zoo.blocks import (
        Bars as Bars,
    )
    from zoo.blocks import (
        Block as Block,
    )
    from zoo.blocks import (
        Boxes as Boxes,
    )
    from zoo.blocks import (
        BoxMark as BoxMark,
    )
    from zoo.blocks import (
        Mask as Mask,
    )
    from zoo.blocks import (
        Matrix as Matrix,
    )
    from zoo.blocks import (
        Paragraph as Paragraph,
    )
    from zoo.blocks import (
        Picture as Picture,
    )
    from zoo.blocks import (
        Table as Table,
    )
    from zoo.blocks import (
        Vector as Vector,
    )
    from zoo.card import (
        Ability as Ability,
    )
    from zoo.card import (
        Card as Card,
    )
    from zoo.card import (
        FolderSource as FolderSource,
    )
    from zoo.card import (
        HubSource as HubSource,
    )
    from zoo.card import (
        ImageInput as ImageInput,
    )
    from zoo.card import (
        PackageSource as PackageSource,
    )
    from zoo.card import (
        PublishedMetric as PublishedMetric,
    )
    from zoo.card import (
        TextInput as TextInput,
    )
    from zoo.card import (
        TorchHubSource as TorchHubSource,
    )
    from zoo.card import (
        UrlSource as UrlSource,
    )
    from zoo.card import (
        Weights as Weights,
    )
    from zoo.card import (
        WeightsFile as WeightsFile,
    )
    from zoo.card import (
        WheelSource as WheelSource,
    )
    from zoo.data.example import (
        Example as Example,
    )
    from zoo.data.lines import (
        open_lines as open_lines,
    )
    from zoo.data.rows import (
        Malformed as Malformed,
    )
    from zoo.data.rows import (
        Row as Row,
    )
    from zoo.errors import (
        ChecksumMismatch as ChecksumMismatch,
    )
    from zoo.errors import (
        DatasetInvalid as DatasetInvalid,
    )
    from zoo.errors import (
        DeviceUnavailable as DeviceUnavailable,
    )
    from zoo.errors import (
        DownloadFailed as DownloadFailed,
    )
    from zoo.errors import (
        OptionInvalid as OptionInvalid,
    )
    from zoo.errors import (
        PluginBroken as PluginBroken,
    )
    from zoo.errors import (
        RunCancelled as RunCancelled,
    )
    from zoo.errors import (
        RunFailed as RunFailed,
    )
    from zoo.errors import (
        StoreInvalid as StoreInvalid,
    )
    from zoo.errors import (
        UnknownModel as UnknownModel,
    )
    from zoo.errors import (
        UnknownPlugin as UnknownPlugin,
    )
    from zoo.errors import (
        UnknownRun as UnknownRun,
    )
    from zoo.errors import (
        Unsupported as Unsupported,
    )
    from zoo.errors import (
        ZooError as ZooError,
    )
    from zoo.hookspecs import (
        hookimpl as hookimpl,
    )
    from zoo.hub_config import (
        config_labels as config_labels,
    )
    from zoo.hub_config import (
        hub_labels as hub_labels,
    )
    from zoo.hub_config import (
        hub_max_tokens as hub_max_tokens,
    )
    from zoo.hub_config import (
        hub_pooling as hub_pooling,
    )
    from zoo.hub_config import (
        hub_weights_files as hub_weights_files,
    )
    from zoo.hub_config import (
        problem_type as problem_type,
    )
    from zoo.hyperparameters import (
        DataOptions as DataOptions,
    )
    from zoo.hyperparameters import (
        FinetuneOptions as FinetuneOptions,
    )
    from zoo.hyperparameters import (
        PretrainOptions as PretrainOptions,
    )
    from zoo.hyperparameters import (
        TrainingOptions as TrainingOptions,
    )
    from zoo.image_options import (
        ImageFinetuneOptions as ImageFinetuneOptions,
    )
    from zoo.image_options import (
        ImagePredictOptions as ImagePredictOptions,
    )
    from zoo.image_options import (
        ImagePretrainOptions as ImagePretrainOptions,
    )
    from zoo.kinds import (
        BOXES as BOXES,
    )
    from zoo.kinds import (
        IMAGE as IMAGE,
    )
    from zoo.kinds import (
        LABEL as LABEL,
    )
    from zoo.kinds import (
        LABELS as LABELS,
    )
    from zoo.kinds import (
        NUMBER as NUMBER,
    )
    from zoo.kinds import (
        TEXT as TEXT,
    )
    from zoo.kinds import (
        Box as Box,
    )
    from zoo.kinds import (
        InputKind as InputKind,
    )
    from zoo.kinds import (
        Record as Record,
    )
    from zoo.kinds import (
        TargetKind as TargetKind,
    )
    from zoo.kinds import (
        Unusable as Unusable,
    )
    from zoo.kinds.image_decoding import (
        read_image as read_image,
    )
    from zoo.metrics import (
        ClassificationMetrics as ClassificationMetrics,
    )
    from zoo.metrics import (
        DetectionMetrics as DetectionMetrics,
    )
    from zoo.metrics import (
        Judge as Judge,
    )
    from zoo.metrics import (
        LabelSetMetrics as LabelSetMetrics,
    )
    from zoo.metrics import (
        MeanLoss as MeanLoss,
    )
    from zoo.metrics import (
        RegressionMetrics as RegressionMetrics,
    )
    from zoo.options import (
        Options as Options,
    )
    from zoo.options import (
        option as option,
    )
    from zoo.runs.context import (
        FitResult as FitResult,
    )
    from zoo.runs.context import (
        PredictionRun as PredictionRun,
    )
    from zoo.runs.context import (
        Predictor as Predictor,
    )
    from zoo.runs.context import (
        Trainable as Trainable,
    )
    from zoo.runs.context import (
        TrainingRun as TrainingRun,
    )
    from zoo.runs.mistakes import (
        Mistake as Mistake,
    )
    from zoo.tasks import (
        body_tasks as body_tasks,
    )
    from zoo.tasks.options import (
        ClassWeightOptions as ClassWeightOptions,
    )
    from zoo.tasks.options import (
        ContrastiveOptions as ContrastiveOptions,
    )
    from zoo.tasks.options import (
        FillingOptions as FillingOptions,
    )
    from zoo.tasks.options import (
        LabelOptions as LabelOptions,
    )
    from zoo.tasks.options import (
        LabelSetOptions as LabelSetOptions,
    )
    from zoo.tasks.options import (
        MaskingOptions as MaskingOptions,
    )
    from zoo.tasks.task import (
        Task as Task,
    )
    from zoo.text_options import (
        TextFinetuneOptions as TextFinetuneOptions,
    )
    from zoo.text_options import (
        TextPredictOptions as TextPredictOptions,
    )
    from zoo.text_options import (
        TextPretrainOptions as TextPretrainOptions,
    )
    from zoo.torchvision_weights import (
        TorchvisionRelease as TorchvisionRelease,
    )
    from zoo.torchvision_weights import (
        TorchvisionWeights as TorchvisionWeights,
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
    "zoo.blocks": (
        "Bar",
        "Bars",
        "Block",
        "Boxes",
        "BoxMark",
        "Mask",
        "Matrix",
        "Paragraph",
        "Picture",
        "Table",
        "Vector",
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
        "TorchHubSource",
        "UrlSource",
        "WheelSource",
        "Weights",
        "WeightsFile",
    ),
    "zoo.data.example": ("Example",),
    "zoo.data.lines": ("open_lines",),
    "zoo.data.rows": ("Malformed", "Row"),
    "zoo.kinds.image_decoding": ("read_image",),
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
    "zoo.hub_config": (
        "config_labels",
        "hub_labels",
        "hub_max_tokens",
        "hub_pooling",
        "hub_weights_files",
        "problem_type",
    ),
    "zoo.hyperparameters": ("DataOptions", "FinetuneOptions", "PretrainOptions", "TrainingOptions"),
    "zoo.image_options": ("ImageFinetuneOptions", "ImagePredictOptions", "ImagePretrainOptions"),
    "zoo.kinds": (
        "BOXES",
        "IMAGE",
        "LABEL",
        "LABELS",
        "NUMBER",
        "TEXT",
        "Box",
        "InputKind",
        "Record",
        "TargetKind",
        "Unusable",
    ),
    "zoo.metrics": (
        "ClassificationMetrics",
        "DetectionMetrics",
        "Judge",
        "LabelSetMetrics",
        "MeanLoss",
        "RegressionMetrics",
    ),
    "zoo.options": ("Options", "option"),
    "zoo.answers": (
        "Answer",
        "AnswerCells",
        "Classification",
        "Embedding",
        "FilledMask",
        "InvalidAnswer",
        "LabelSet",
        "Prediction",
        "Quantity",
        "Rejected",
        "Score",
    ),
    "zoo.runs.context": ("FitResult", "PredictionRun", "Predictor", "Trainable", "TrainingRun"),
    "zoo.runs.mistakes": ("Mistake",),
    "zoo.tasks": ("body_tasks",),
    "zoo.tasks.options": (
        "ClassWeightOptions",
        "ContrastiveOptions",
        "FillingOptions",
        "LabelOptions",
        "LabelSetOptions",
        "MaskingOptions",
    ),
    "zoo.tasks.task": ("Task",),
    "zoo.torchvision_weights": ("TorchvisionRelease", "TorchvisionWeights"),
    "zoo.text_options": ("TextFinetuneOptions", "TextPredictOptions", "TextPretrainOptions"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE_OF)]  # noqa: PLE0604  (names are resolved by __getattr__)


def __getattr__(name: str) -> typing.Any:
    try:
        module = _MODULE_OF[name]
    except KeyError:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
