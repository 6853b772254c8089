"""What plugins of image models build on."""

from zoo.training.images.adaptation import adaptable_layers
from zoo.training.images.answering import FeaturePredictor, HeadPredictor, ImagePredictor
from zoo.training.images.augmentation import Augmentation
from zoo.training.images.body import ImageBody
from zoo.training.images.config import ImageConfig
from zoo.training.images.preprocessing import Preprocessing
from zoo.training.images.pyramid import MapSources, feature_pyramid, map_sources
from zoo.training.images.readme import torchvision_readme
from zoo.training.images.store import ImageStore

__all__ = [
    "Augmentation",
    "FeaturePredictor",
    "HeadPredictor",
    "ImageBody",
    "ImageConfig",
    "ImagePredictor",
    "ImageStore",
    "MapSources",
    "Preprocessing",
    "adaptable_layers",
    "feature_pyramid",
    "map_sources",
    "torchvision_readme",
]
