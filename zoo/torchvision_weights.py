"""The weights that torchvision publishes, as one of its releases says: data for cards, without importing it."""

from __future__ import annotations

import msgspec

from zoo.card import ImageInput, Interpolation, PublishedMetric, TorchHubSource, Weights, WeightsFile

DATASET = "ImageNet-1K"


class TorchvisionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a `torchvision.models.WeightsEnum`, as `make_torchvision_json.py` writes it: what all kinds have."""

    builder: str
    """Name of the function that builds the network."""
    weights: str
    """Name of the entry, such as `IMAGENET1K_V1`."""
    default: bool
    """Whether torchvision calls it the best of its builder."""
    base_url: str
    file: str
    sha256_prefix: str
    about_bytes: int
    parameters: int
    gflops: float
    """Multiply-adds of one image, in 10^9."""
    recipe: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    license: str = ""
    """Where torchvision states one other than its own."""

    @property
    def name(self) -> str:
        """The plain name is the best entry's, as in torchvision."""
        entry = self.weights.removeprefix("IMAGENET1K_").lower().replace("_", "-")
        return self.builder if self.default else f"{self.builder}-{entry}"

    @property
    def superseded_by(self) -> str:
        """Name of the best entry of the same network; empty for that itself."""
        return "" if self.default else self.builder

    @property
    def published(self) -> Weights:
        """The file, and where it is."""
        file = WeightsFile(name=self.file, sha256_prefix=self.sha256_prefix, about_bytes=self.about_bytes)
        return Weights(files=(file,), sources=(TorchHubSource(base_url=self.base_url),))


class TorchvisionWeights(TorchvisionEntry, frozen=True, kw_only=True):
    """Weights of a classifier."""

    acc_at_1: float | None = None
    """Per cent; None for weights without a classifier."""
    acc_at_5: float | None = None
    crop_size: int
    resize_size: int
    min_size: int = 1
    """Least height and width that the network takes."""
    interpolation: Interpolation = "bilinear"

    @property
    def input(self) -> ImageInput:
        """The published preprocessing."""
        return ImageInput(
            input_size=(3, self.crop_size, self.crop_size),
            resize_size=self.resize_size,
            interpolation=self.interpolation,
            mean=self.mean,
            std=self.std,
        )

    @property
    def metrics(self) -> tuple[PublishedMetric, ...]:
        """Accuracies, as published."""
        return tuple(
            PublishedMetric(name=name, value=value, dataset=DATASET, source_url=self.recipe)
            for name, value in (("acc@1", self.acc_at_1), ("acc@5", self.acc_at_5))
            if value is not None
        )


class TorchvisionRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What one release of torchvision publishes."""

    torchvision: str
    """The release."""
    entries: tuple[TorchvisionWeights, ...]
    categories: tuple[str, ...]
    """What all of them tell apart."""

    @classmethod
    def read(cls, data: bytes) -> TorchvisionRelease:
        """What `make_torchvision_json.py` wrote."""
        return msgspec.json.decode(data, type=cls)
