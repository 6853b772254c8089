"""What plugins of models of sound build on."""

from zoo.normalizers import normalized
from zoo.training.audio.body import LENGTHS, SEEN, AudioBody
from zoo.training.audio.config import AudioConfig
from zoo.training.audio.sources import sound_blocks
from zoo.training.audio.spectrogram import LogMel

__all__ = ["LENGTHS", "SEEN", "AudioBody", "AudioConfig", "LogMel", "normalized", "sound_blocks"]
