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
        AnswerCells as AnswerCells,
        CalibratableAnswer as CalibratableAnswer,
        Classification as Classification,
        ContextSpan as ContextSpan,
        Detection as Detection,
        Detections as Detections,
        Embedding as Embedding,
        ExtractedAnswer as ExtractedAnswer,
        FilledMask as FilledMask,
        GeneratedText as GeneratedText,
        InvalidAnswer as InvalidAnswer,
        LabelSet as LabelSet,
        Prediction as Prediction,
        ProbabilityTable as ProbabilityTable,
        Quantity as Quantity,
        Rejected as Rejected,
        Score as Score,
        Segment as Segment,
        SegmentedImage as SegmentedImage,
        TaggedSpan as TaggedSpan,
        TaggedSpans as TaggedSpans,
        TimedText as TimedText,
        Transcript as Transcript,
    )
    from zoo.api import (
        BatchPredictor as BatchPredictor,
        Model as Model,
        Run as Run,
        audit as audit,
        bundle as bundle,
        compare as compare,
        data_curve as data_curve,
        evaluate as evaluate,
        export as export,
        federate as federate,
        finetune as finetune,
        inspect_labels as inspect_labels,
        join_federation as join_federation,
        list_runs as list_runs,
        load as load,
        models as models,
        open_run as open_run,
        pick as pick,
        plan as plan,
        predict_file as predict_file,
        pretrain as pretrain,
        replay as replay,
        replay_differences as replay_differences,
        run_recipe as run_recipe,
        serve_federation as serve_federation,
        shrink as shrink,
        sweep as sweep,
    )
    from zoo.audio_options import (
        AudioFinetuneOptions as AudioFinetuneOptions,
        AudioPredictOptions as AudioPredictOptions,
        AudioPretrainOptions as AudioPretrainOptions,
        LetterPredictOptions as LetterPredictOptions,
    )
    from zoo.blocks import (
        Bar as Bar,
        Bars as Bars,
        Block as Block,
        Boxes as Boxes,
        BoxMark as BoxMark,
        Curve as Curve,
        Mask as Mask,
        Matrix as Matrix,
        Paragraph as Paragraph,
        Picture as Picture,
        Sound as Sound,
        SpanMark as SpanMark,
        Spans as Spans,
        Table as Table,
        Vector as Vector,
    )
    from zoo.card import (
        Ability as Ability,
        AudioInput as AudioInput,
        Card as Card,
        FolderSource as FolderSource,
        HubSource as HubSource,
        ImageInput as ImageInput,
        PackageSource as PackageSource,
        PublishedMetric as PublishedMetric,
        TextInput as TextInput,
        TorchHubSource as TorchHubSource,
        UrlSource as UrlSource,
        Weights as Weights,
        WeightsFile as WeightsFile,
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
        Row as Row,
    )
    from zoo.errors import (
        ChecksumMismatch as ChecksumMismatch,
        DatasetInvalid as DatasetInvalid,
        DeviceUnavailable as DeviceUnavailable,
        DownloadFailed as DownloadFailed,
        GateNotPassed as GateNotPassed,
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
    from zoo.gguf import (
        GGUF_BLOCK_TYPES as GGUF_BLOCK_TYPES,
        GgufBlockType as GgufBlockType,
        GgufHeader as GgufHeader,
        GgufTensor as GgufTensor,
        read_gguf as read_gguf,
    )
    from zoo.hookspecs import (
        hookimpl as hookimpl,
    )
    from zoo.hub_config import (
        config_labels as config_labels,
        hub_labels as hub_labels,
        hub_max_tokens as hub_max_tokens,
        hub_pooling as hub_pooling,
        hub_weights as hub_weights,
        problem_type as problem_type,
    )
    from zoo.hyperparameters import (
        DataOptions as DataOptions,
        FederationOptions as FederationOptions,
        FinetuneOptions as FinetuneOptions,
        MixingOptions as MixingOptions,
        PretrainOptions as PretrainOptions,
        TeachingOptions as TeachingOptions,
        TrainingOptions as TrainingOptions,
    )
    from zoo.image_options import (
        ImageFinetuneOptions as ImageFinetuneOptions,
        ImagePredictOptions as ImagePredictOptions,
        ImagePretrainOptions as ImagePretrainOptions,
    )
    from zoo.kinds import (
        BOXES as BOXES,
        COMPLETION as COMPLETION,
        IMAGE as IMAGE,
        LABEL as LABEL,
        LABELS as LABELS,
        MASK as MASK,
        NUMBER as NUMBER,
        PROMPT as PROMPT,
        RECORDING as RECORDING,
        SPANS as SPANS,
        TEXT as TEXT,
        TRANSCRIPT as TRANSCRIPT,
        Box as Box,
        InputKind as InputKind,
        LabelMask as LabelMask,
        Record as Record,
        Span as Span,
        TargetKind as TargetKind,
        Unusable as Unusable,
    )
    from zoo.kinds.image_decoding import (
        read_image as read_image,
    )
    from zoo.kinds.mask_decoding import (
        read_mask as read_mask,
    )
    from zoo.kinds.recording_decoding import (
        read_recording as read_recording,
    )
    from zoo.metrics import (
        ClassificationMetrics as ClassificationMetrics,
        DetectionMetrics as DetectionMetrics,
        Judge as Judge,
        LabelSetMetrics as LabelSetMetrics,
        MeanLoss as MeanLoss,
        RegressionMetrics as RegressionMetrics,
        SegmentationMetrics as SegmentationMetrics,
        SpanMetrics as SpanMetrics,
        TranscriptMetrics as TranscriptMetrics,
    )
    from zoo.metrics.intervals import (
        Interval as Interval,
        intervals_of_sums as intervals_of_sums,
        resampled_intervals as resampled_intervals,
        wilson_interval as wilson_interval,
    )
    from zoo.options import (
        Options as Options,
        option as option,
    )
    from zoo.runs.context import (
        FitResult as FitResult,
        PredictionRun as PredictionRun,
        Predictor as Predictor,
        Teaching as Teaching,
        Trainable as Trainable,
        TrainingRun as TrainingRun,
    )
    from zoo.runs.inspecting.doubtful_labels import (
        DoubtfulLabel as DoubtfulLabel,
    )
    from zoo.runs.mistakes import (
        Mistake as Mistake,
    )
    from zoo.sources import Source as Source
    from zoo.tasks import (
        body_tasks as body_tasks,
    )
    from zoo.tasks.options import (
        CandidateOptions as CandidateOptions,
        ClassWeightOptions as ClassWeightOptions,
        ContrastiveOptions as ContrastiveOptions,
        ExtractionOptions as ExtractionOptions,
        FillingOptions as FillingOptions,
        GenerationOptions as GenerationOptions,
        LabelOptions as LabelOptions,
        LabelSetOptions as LabelSetOptions,
        MaskingOptions as MaskingOptions,
        RecognitionOptions as RecognitionOptions,
        Text2TextOptions as Text2TextOptions,
        SegmentationOptions as SegmentationOptions,
        required_labels as required_labels,
        stop_texts as stop_texts,
    )
    from zoo.tasks.task import (
        Task as Task,
    )
    from zoo.text_options import (
        CausalFinetuneOptions as CausalFinetuneOptions,
        CausalPredictOptions as CausalPredictOptions,
        CausalPretrainOptions as CausalPretrainOptions,
        TextFinetuneOptions as TextFinetuneOptions,
        TextPredictOptions as TextPredictOptions,
        TextPretrainOptions as TextPretrainOptions,
    )
    from zoo.torchvision_weights import (
        TorchvisionEntry as TorchvisionEntry,
        TorchvisionRelease as TorchvisionRelease,
        TorchvisionWeights as TorchvisionWeights,
    )

__version__ = "0.1.0"

_HOME = {
    "zoo.api": (
        "BatchPredictor",
        "Model",
        "Run",
        "audit",
        "bundle",
        "compare",
        "data_curve",
        "evaluate",
        "export",
        "federate",
        "finetune",
        "inspect_labels",
        "join_federation",
        "list_runs",
        "load",
        "models",
        "open_run",
        "pick",
        "plan",
        "predict_file",
        "pretrain",
        "replay",
        "replay_differences",
        "run_recipe",
        "serve_federation",
        "shrink",
        "sweep",
    ),
    "zoo.blocks": (
        "Bar",
        "Bars",
        "Block",
        "Boxes",
        "BoxMark",
        "Curve",
        "Mask",
        "Matrix",
        "Paragraph",
        "Picture",
        "Sound",
        "SpanMark",
        "Spans",
        "Table",
        "Vector",
    ),
    "zoo.card": (
        "Ability",
        "AudioInput",
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
    "zoo.audio_options": (
        "AudioFinetuneOptions",
        "AudioPredictOptions",
        "AudioPretrainOptions",
        "LetterPredictOptions",
    ),
    "zoo.data.example": ("Example",),
    "zoo.data.lines": ("open_lines",),
    "zoo.data.rows": ("Malformed", "Row"),
    "zoo.kinds.image_decoding": ("read_image",),
    "zoo.kinds.mask_decoding": ("read_mask",),
    "zoo.kinds.recording_decoding": ("read_recording",),
    "zoo.errors": (
        "ChecksumMismatch",
        "DatasetInvalid",
        "DeviceUnavailable",
        "DownloadFailed",
        "GateNotPassed",
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
    "zoo.gguf": (
        "GGUF_BLOCK_TYPES",
        "GgufBlockType",
        "GgufHeader",
        "GgufTensor",
        "read_gguf",
    ),
    "zoo.hookspecs": ("hookimpl",),
    "zoo.hub_config": (
        "config_labels",
        "hub_labels",
        "hub_max_tokens",
        "hub_pooling",
        "hub_weights",
        "problem_type",
    ),
    "zoo.hyperparameters": (
        "DataOptions",
        "FederationOptions",
        "FinetuneOptions",
        "MixingOptions",
        "PretrainOptions",
        "TeachingOptions",
        "TrainingOptions",
    ),
    "zoo.image_options": ("ImageFinetuneOptions", "ImagePredictOptions", "ImagePretrainOptions"),
    "zoo.sources": ("Source",),
    "zoo.kinds": (
        "BOXES",
        "COMPLETION",
        "IMAGE",
        "LABEL",
        "LABELS",
        "MASK",
        "NUMBER",
        "PROMPT",
        "RECORDING",
        "SPANS",
        "TEXT",
        "TRANSCRIPT",
        "Box",
        "InputKind",
        "LabelMask",
        "Record",
        "Span",
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
        "SegmentationMetrics",
        "SpanMetrics",
        "TranscriptMetrics",
    ),
    "zoo.metrics.intervals": ("Interval", "intervals_of_sums", "resampled_intervals", "wilson_interval"),
    "zoo.options": ("Options", "option"),
    "zoo.answers": (
        "Answer",
        "AnswerCells",
        "CalibratableAnswer",
        "Classification",
        "ContextSpan",
        "Detection",
        "Detections",
        "Embedding",
        "ExtractedAnswer",
        "FilledMask",
        "GeneratedText",
        "InvalidAnswer",
        "LabelSet",
        "Prediction",
        "ProbabilityTable",
        "Quantity",
        "Rejected",
        "Score",
        "Segment",
        "SegmentedImage",
        "TaggedSpan",
        "TaggedSpans",
        "TimedText",
        "Transcript",
    ),
    "zoo.runs.context": ("FitResult", "PredictionRun", "Predictor", "Teaching", "Trainable", "TrainingRun"),
    "zoo.runs.inspecting.doubtful_labels": ("DoubtfulLabel",),
    "zoo.runs.mistakes": ("Mistake",),
    "zoo.tasks": ("body_tasks",),
    "zoo.tasks.options": (
        "CandidateOptions",
        "ClassWeightOptions",
        "ContrastiveOptions",
        "ExtractionOptions",
        "FillingOptions",
        "GenerationOptions",
        "LabelOptions",
        "LabelSetOptions",
        "MaskingOptions",
        "RecognitionOptions",
        "Text2TextOptions",
        "SegmentationOptions",
        "required_labels",
        "stop_texts",
    ),
    "zoo.tasks.task": ("Task",),
    "zoo.torchvision_weights": ("TorchvisionEntry", "TorchvisionRelease", "TorchvisionWeights"),
    "zoo.text_options": (
        "CausalFinetuneOptions",
        "CausalPredictOptions",
        "CausalPretrainOptions",
        "TextFinetuneOptions",
        "TextPredictOptions",
        "TextPretrainOptions",
    ),
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
