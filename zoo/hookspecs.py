"""The plugin contract: six hooks, in the order of a model's life; a plugin implements those it needs.

A plugin is a module named by an entry point of the group `zoo.plugins`:

    [project.entry-points."zoo.plugins"]
    bert = "zoo_bert.plugin"

Importing that module must be cheap: the standard library and `zoo` only. torch, transformers and the like are imported
inside hook bodies. A hook may take any subset of the arguments, by name, so that a later argument never breaks an
installed plugin:

    import zoo

    @zoo.hookimpl
    def cards():
        return [zoo.Card(name="my-model", ...)]

    @zoo.hookimpl
    def body(run):
        from my_plugin.body import MyBody      # torch arrives here
        return MyBody(run)

A plugin that gives a body is pretrained, fine-tuned and asked by zoo, for every task whose needs the body provides; it
has hooks for those verbs only where it knows better.

Hooks of other installed plugins may surround these with `@zoo.hookimpl(wrapper=True)`; otherwise a worker calls exactly
the plugin that owns the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from zoo.card import Card, Weights
    from zoo.runs.context import PredictionRun, Predictor, Trainable, TrainingRun
    from zoo.training import Body

PROJECT = "zoo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def cards() -> Iterable[Card]:  # type: ignore[empty-body]
    """Describe the models of this plugin.

    Called in the front process, whenever a catalog is needed. Pure: the same answer offline, in a few milliseconds,
    with no file or network touched. `Card.plugin` is filled in by the host.

    Added in 0.1.
    """


@hookspec(firstresult=True)
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe a model of the Hugging Face Hub that no card describes; None where it is not of this plugin's kind.

    Called in the front process when somebody pulls a model, and afterwards whenever a catalog is needed. Pure, like
    `cards`: everything there is to know is in the arguments. Looking at `config["model_type"]` is the usual way to tell
    one's own kind; `zoo.hub_labels`, `hub_max_tokens`, `hub_pooling` and `hub_weights` read what text models have in
    common. The host has refused repositories that ask for code of their own or have no safetensors. A plugin that
    takes models of many architectures marks its hook `@zoo.hookimpl(trylast=True)`: those that know one better have it.
    Of a GGUF file that somebody pulls, `config` has one entry, `gguf`: its `architecture`, its `metadata` without the
    long lists, and the shapes of its `tensors`.

    Args:
        name: what the model is called in the catalog; `Card.name`.
        config: content of `config.json`, or what a GGUF file says of itself.
        weights: every file of the repository at a pinned commit; the card's `weights` are these with the files left out
            that the model does not need.
        documents: content of the small configuration files (`tokenizer_config.json`, `1_Pooling/config.json`, ...), by
            their names.

    Raises:
        Unsupported: it is of this plugin's kind, but cannot be served; say why.

    Added in 0.1.
    """


@hookspec(firstresult=True)
def body(run: TrainingRun | PredictionRun) -> Body[Any]:  # type: ignore[empty-body]
    """Build the network of `run.card` without a head, and say how inputs reach it.

    Called in a worker process that loaded only the plugin owning the model, once per attempt of a training, or once to
    predict; import torch here. zoo puts the objective of `run.task` on the body, or answers with it and with the head
    that the weights have. It is not called for a verb whose own hook the plugin has.

    Args:
        run: the card, its verified weights (None: from random numbers, in a training only), the task, options, device
            and precision.

    Raises:
        StoreInvalid: the weights are none of this network.
        Unsupported: the options, device or precision cannot be served; say what could be.

    Added in 0.1.
    """


@hookspec(firstresult=True)
def pretrain(run: TrainingRun) -> Trainable:  # type: ignore[empty-body]
    """Build what minimises a self-supervised loss of `run.card` on the unlabelled examples `run.train`.

    Called once per attempt, in a worker process that loaded only the plugin owning the model (in every process of a
    run on several); import torch here. Return a `zoo.training.Objective` and the engine trains it: events, checkpoints,
    resume, cancel and several processes come with it. What is returned may also bring its own `fit(run)`.

    Args:
        run: the card, its verified weights (None: from random numbers), the examples, options, device and precision.

    Raises:
        DatasetInvalid: the data cannot serve this task; say which file, row and column.
        Unsupported: the options, device or precision cannot be served; say what could be.

    Added in 0.1.
    """


@hookspec(firstresult=True)
def finetune(run: TrainingRun) -> Trainable:  # type: ignore[empty-body]
    """Build what minimises the loss of `run.card` on the labelled examples `run.train`.

    Called like `pretrain`. `run.labels` gives the label names in the order the outputs must have; they have to be saved
    with the result.

    Args:
        run: the card, its verified weights, the examples, labels, options, device and precision.

    Raises:
        DatasetInvalid: the data cannot serve this task; say which file, row and column.
        Unsupported: the options, device or precision cannot be served; say what could be.

    Added in 0.1.
    """


@hookspec(firstresult=True)
def predict(run: PredictionRun) -> Predictor:  # type: ignore[empty-body]
    """Load the model and return what answers inputs with it.

    Called once, in a worker process or in the process of a person who said `zoo.load(name)`; import torch here. Weights
    are loaded here, not at the first input. Batching is the predictor's business: it gets lists of any length.

    Args:
        run: the card, its verified weights, the task to answer, options, device and precision.

    Raises:
        Unsupported: the task, device or precision cannot be served; say what could be.

    Added in 0.1.
    """
