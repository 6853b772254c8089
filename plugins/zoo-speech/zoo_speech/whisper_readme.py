"""How to use a result without zoo; goes into its README."""

README = """## Use without zoo

Needs transformers, torch and soundfile; the recording is of one channel, at 16,000 Hz.

```python
import soundfile
from transformers import pipeline

samples, rate = soundfile.read("a.wav", dtype="float32")
transcriber = pipeline("automatic-speech-recognition", "this folder", return_timestamps=True)
print(transcriber({"raw": samples, "sampling_rate": rate})["text"])
```
"""
