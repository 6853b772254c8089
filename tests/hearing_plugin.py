"""A recogniser that hears the same in every recording, word by word, and needs no weights.

The last word is held back while there is a file of the recording's name with `.held` behind it. With `--words` it hears
what is in that file. In `timed.wav` it hears a word each half of a second.
"""

from __future__ import annotations

from pathlib import Path

from tests.plugin_site import Site, card, plugin

HEARD = "where is my parcel"
_PLUGIN = f"""
import time
from pathlib import Path
import zoo

def wait_for(hold):
    until = time.monotonic() + 30
    while hold.exists() and time.monotonic() < until:
        time.sleep(0.01)

class Hearer:
    def __init__(self, words):
        self.text = Path(words).read_text() if words else {HEARD!r}

    def predict(self, inputs):
        return [list(self.stream(one))[-1] for one in inputs]

    def stream(self, input):
        heard = zoo.read_recording(input, 16_000)
        if isinstance(heard, zoo.Rejected):
            yield heard
            return
        words = self.text.split()
        for number, word in enumerate(words):
            if number == len(words) - 1:
                wait_for(Path(f"{{input}}.held"))
            piece = f" {{word}}" if number else word
            yield zoo.TimedText(piece, 0.5 * number) if Path(input).stem == "timed" else piece
        yield zoo.Transcript(text=self.text)

@zoo.hookimpl
def predict(run):
    return Hearer(run.options.words)

@zoo.hookimpl
def finetune(run): ...
"""


def install_hearer(site: Site) -> None:
    """Install the plugin; its model is `hearer`."""
    task = "'automatic-speech-recognition'"
    options = {"finetune": "zoo.AudioFinetuneOptions", "predict": "zoo.LetterPredictOptions"}
    abilities = "".join(f"zoo.Ability(verb={verb!r}, task={task}, options={kind})," for verb, kind in options.items())
    folder = repr(str(site.path))
    weights = f"zoo.Weights(files=(zoo.WeightsFile(name='w.bin'),), sources=(zoo.FolderSource(path={folder}),))"
    hearer = card("hearer", task=task, abilities=f"({abilities})", weights=weights)
    site.install("hearing", plugin(hearer, more=_PLUGIN))
    (site.path / "w.bin").write_bytes(b"x")


def write_tone(path: Path, seconds: float = 1.0) -> Path:
    """A file of silence, then a tone as long."""
    import numpy as np
    import soundfile

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 8_000)) / 16_000)
    soundfile.write(path, np.concatenate([np.zeros(len(tone)), tone]), 16_000)
    return path
