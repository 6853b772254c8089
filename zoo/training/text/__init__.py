"""What plugins of text models build on."""

from zoo.training.text.answering import TextPredictor
from zoo.training.text.body import TextBody
from zoo.training.text.causal import CausalBody, GeneratingNetwork
from zoo.training.text.encoding import EncodedText, encode, id_of, pad
from zoo.training.text.network import AnsweringNetwork
from zoo.training.text.texts import TrainingTexts

__all__ = [
    "AnsweringNetwork",
    "CausalBody",
    "EncodedText",
    "GeneratingNetwork",
    "TextBody",
    "TextPredictor",
    "TrainingTexts",
    "encode",
    "id_of",
    "pad",
]
