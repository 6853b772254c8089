"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

from zoo.training.head import SPEECH, HeadConfig

_TEMPLATE = """## Use without zoo

Needs transformers, torch and soundfile; the recording is of one channel, at the rate in `preprocessor_config.json`.

```python
import soundfile
from transformers import pipeline

samples, rate = soundfile.read("a.wav", dtype="float32")
answer = pipeline("{task}", "this folder")({{"raw": samples, "sampling_rate": rate}})
print({answer})
```
"""
_NETWORK = """## Use without zoo

Needs transformers, torch and soundfile; the recording is of one channel, at the rate in `preprocessor_config.json`.

```python
import soundfile
import torch
from transformers import AutoFeatureExtractor, AutoModel

samples, rate = soundfile.read("a.wav", dtype="float32")
seen = AutoFeatureExtractor.from_pretrained("this folder")(samples, sampling_rate=rate, return_tensors="pt")
with torch.inference_mode():
    vectors = AutoModel.from_pretrained("this folder").eval()(**seen).last_hidden_state[0]
print(vectors.mean(0).tolist())
```
"""


def readme_of(head: HeadConfig | None) -> str:
    """Of a network with a head, or without."""
    if head is None:
        return _NETWORK
    if head.problem_type == SPEECH:
        return _TEMPLATE.format(task="automatic-speech-recognition", answer='answer["text"]')
    return _TEMPLATE.format(task="audio-classification", answer='answer[0]["label"]')
