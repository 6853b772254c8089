"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

import inspect

from zoo.training.audio import AudioConfig, spectrogram
from zoo.training.head import SPEECH
from zoo_speech import deepspeech

_TEMPLATE = """## Use without zoo

Needs torch, numpy, safetensors and soundfile; the recording is of one channel at {rate:,} Hz.

```python
from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import soundfile
from safetensors.torch import load_file

{spectrogram}

{network}

config = json.loads(Path("this folder/config.json").read_text(encoding="utf-8"))
architecture, labels = config["architecture"], config["labels"]
model = torch.nn.ModuleDict({{
    "body": DeepSpeech(architecture["bands"], architecture["context"], architecture["width"]),
    "head": torch.nn.Linear(architecture["width"], len(labels)),
}})
model.load_state_dict(load_file("this folder/model.safetensors"))
model.eval()
samples, rate = soundfile.read("a.wav", dtype="float32")
spectra = torch.from_numpy(LogMel({rate}, architecture["bands"])(samples))
with torch.inference_mode():
    vectors = model["body"](spectra[None], torch.tensor([len(spectra)]))[0]
{answer}
```
"""
_LETTERS = """    best = model["head"](vectors).argmax(-1).tolist()
print("".join(labels[number] for number, _ in groupby(best) if number))"""
_LABEL = """    logits = model["head"](vectors.mean(0))
print(labels[logits.argmax()])"""


def readme_of(config: AudioConfig) -> str:
    """Of a network with a head."""
    from zoo_speech.cards import SAMPLING_RATE

    speech = config.head is not None and config.head.problem_type == SPEECH
    return _TEMPLATE.format(
        rate=SAMPLING_RATE,
        spectrogram=_source(spectrogram),
        network=_source(deepspeech),
        answer=_LETTERS if speech else _LABEL,
    )


def _source(module: object) -> str:
    """The code of a module that imports torch and numpy alone, without what says what it is."""
    code = inspect.getsource(module)  # type: ignore[arg-type]
    return code.split("from __future__ import annotations\n", 1)[1].strip()
