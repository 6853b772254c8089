"""The tiny causal body as a plugin that is installed for a test."""

from __future__ import annotations

from pathlib import Path

from tests.plugin_site import Site

PLUGIN = """
import zoo

def card(name, **more):
    abilities = (
        zoo.Ability(verb="pretrain", task="text-generation", options=zoo.CausalPretrainOptions),
        zoo.Ability(verb="finetune", task="text-generation", options=zoo.CausalFinetuneOptions),
        zoo.Ability(verb="predict", task="text-generation", options=zoo.CausalPredictOptions),
    )
    return zoo.Card(name=name, task="text-generation", family="tiny", summary="It writes.", abilities=abilities,
                    input=zoo.TextInput(max_tokens=96), **more)

@zoo.hookimpl
def cards():
    here = zoo.FolderSource(path=__file__.rpartition("/")[0])
    weights = zoo.Weights(files=(zoo.WeightsFile(name="model.safetensors"),), sources=(here,))
    return [card("tiny"), card("tiny-chat"), card("random-chat", weights=weights)]

@zoo.hookimpl
def body(run):
    from tiny_causal_body import TinyBody
    return TinyBody(run, chat="chat" in run.card.name)
"""


def install_tiny(site: Site) -> None:
    """Install `tiny`, which goes on with texts, and `tiny-chat`, which answers messages."""
    site.install("tiny", PLUGIN)
    source = Path(__file__).with_name("tiny_causal_body.py").read_text(encoding="utf-8")
    (site.path / "tiny_causal_body.py").write_text(source, encoding="utf-8")


def install_random_chat(site: Site) -> None:
    """Install `random-chat` beside them, which answers messages with what its random numbers make of them."""
    import torch
    from safetensors.torch import save_file

    from tests.tiny_causal_body import Net, byte_tokenizer

    install_tiny(site)
    torch.manual_seed(0)
    save_file(Net(byte_tokenizer().get_vocab_size()).state_dict(), site.path / "model.safetensors")
