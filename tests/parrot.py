"""A plugin without torch whose model writes texts piece by piece: it says again what it is told, word by word."""

from __future__ import annotations

from tests.plugin_site import Site

PLUGIN = """
import time
from pathlib import Path
import zoo

@zoo.hookimpl
def cards():
    weights = zoo.Weights(
        files=(zoo.WeightsFile(name="w.bin"),), sources=(zoo.FolderSource(path=__file__.rpartition("/")[0]),)
    )
    ability = zoo.Ability(verb="predict", task="text-generation", options=zoo.CausalPredictOptions)
    return [zoo.Card(name="parrot", task="text-generation", family="toy", summary="it repeats", weights=weights,
                     abilities=(ability,))]

class Parrot:
    chats = True

    def __init__(self, options):
        self.options = options

    def with_options(self, options):
        return Parrot(options)

    def predict(self, inputs):
        return [self.answer(text) for text in inputs]

    def answer(self, text):
        text = self.last(text)
        if not isinstance(text, str) or not text.strip():
            return zoo.Rejected("it heard nothing")
        return zoo.GeneratedText(text, "end", len(text.split()))

    def last(self, text):
        said = text[-1]["content"] if isinstance(text, list) else text
        if said == "how long":
            return f"up to {self.options.max_tokens}"
        if isinstance(text, list) and said == "how many":
            return ", ".join(f"{one['role']} {one['content']}" for one in text)
        return said

    def stream(self, text):
        text = self.last(text)
        try:
            words = text.split(" ") if isinstance(text, str) and text.strip() else []
            for place, word in enumerate(words):
                if word == "broken":
                    raise ValueError("it has a cold")
                while word == "forever":
                    time.sleep(0.01)
                    yield "and so on "
                yield word + " " * (place + 1 < len(words))
            yield self.answer(text)
        finally:
            Path(__file__).with_name("closed").touch()

@zoo.hookimpl
def predict(run):
    return Parrot(run.options)
"""


def install_parrot(site: Site, *, chats: bool = True) -> None:
    """Install `parrot`; what ends with `forever` it never ends to say."""
    site.install("parrot", PLUGIN if chats else PLUGIN.replace("chats = True", "chats = False"))
    (site.path / "w.bin").write_bytes(b"x")
