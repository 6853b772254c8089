"""Models of texts for other libraries: a network from token ids to what is answered from, and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from zoo.answers import Answer, Embedding, FilledMask, TaggedSpans
from zoo.errors import StoreInvalid, Unsupported
from zoo.training.head import HeadConfig
from zoo.training.objectives import pooled_objective
from zoo.training.portable.answers import VECTORS, head_facts, head_of, printed
from zoo.training.portable.network import FACTS, Compute, Portable, PortableInput, Usage
from zoo.training.pretrained import read_json
from zoo.training.text.network import AnsweringNetwork, Block, Blocks, Head, ModuleNetwork
from zoo.training.text.predictors import predictor_on
from zoo.training.text.texts import max_tokens_of
from zoo.training.text.tokenizer_files import FILE, load_tokenizer

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.text.body import TextBody

EXAMPLE = (2, 7)
"""Texts and tokens that torch follows the network with; any others will do."""
_ENCODE = """texts = ["a text", "and another one"]
tokenizer = Tokenizer.from_file("this folder/tokenizer.json")  # cuts what is too long, and fills up
encoded = tokenizer.encode_batch({texts}{more})
input_ids = np.array([one.ids for one in encoded], np.int64)
attention_mask = np.array([one.attention_mask for one in encoded], np.int64)"""
_TAGS = """for words, one, row in zip({words}, encoded, logits.argmax(-1)):
    firsts = {{word: place for place, word in reversed([*enumerate(one.word_ids)]) if word is not None}}
    print([({word}, facts["labels"][row[place]]) for word, place in sorted(firsts.items())])"""
_MASK = """for one, ids, row in zip(encoded, input_ids, logits):
    best = row[(ids == facts["mask_id"]).argmax()].argsort()[::-1][:5]
    print([tokenizer.decode([number]) for number in best])"""


class PortableTexts(Portable):
    """A body of texts and the head of its weights.

    Args:
        run: a prediction on the CPU in fp32.
        body: of the weights.

    Raises:
        Unsupported: the task is answered by more than that.
    """

    form = "tokens"

    def __init__(self, run: PredictionRun, body: TextBody) -> None:
        self._run, self._body = run, body
        answer = run.task.answer
        self._head_config = _head_of(body, run)
        self.module = _BY_ANSWER.get(answer, _Pooled)(body.portable_network(run), self._head_config)
        if answer is Embedding:
            self.output = "vectors"
        most = min(body.max_tokens, max_tokens_of(run.card)) if answer is Embedding else body.max_tokens
        self._max_tokens = min(most, getattr(run.options, "max_tokens", None) or most)
        texts, tokens = EXAMPLE[0], min(EXAMPLE[1], self._max_tokens)
        ids = torch.full((texts, tokens), body.pad_id)
        mask = (torch.arange(tokens) < torch.arange(tokens, tokens - texts, -1)[:, None]).long()
        of_any_size = {0: "batch", 1: "tokens"}
        self.inputs = tuple(
            PortableInput(name, example, of_any_size, most=self._max_tokens)
            for name, example in (("input_ids", ids), ("attention_mask", mask))
        )

    def predictor(self, compute: Compute, folder: Path) -> Predictor:
        """The usual one, with a network that is computed elsewhere."""
        return predictor_of(self._run, compute, folder)

    def facts(self) -> dict[str, Any]:
        """Labels, and how many tokens are read."""
        facts = head_facts(self._head_config) | {"max_tokens": self._max_tokens, "pad_id": self._body.pad_id}
        if self._head_config is not None and self._head_config.is_of_tokens:
            facts["words"] = "between blanks" if self._head_config.words_spaced else "of the tokenizer"
        if self._run.task.answer is FilledMask:
            facts |= {"mask": self._body.mask_token, "mask_id": self._body.mask_id}
        return facts

    def save(self, folder: Path) -> tuple[str, ...]:
        """The tokenizer, which cuts and fills up."""
        tokenizer = Tokenizer.from_str(self._body.tokenizer.to_str())
        tokenizer.enable_truncation(self._max_tokens)
        tokenizer.enable_padding(pad_id=self._body.pad_id, pad_token=tokenizer.id_to_token(self._body.pad_id))
        tokenizer.save(str(folder / FILE))
        return (FILE,)

    def usage(self) -> Usage:
        """With the library tokenizers."""
        imports, encode = "from tokenizers import Tokenizer", _ENCODE.format(texts="texts", more="")
        if self._run.task.answer is Embedding:
            return Usage(imports, encode, VECTORS)
        if self._run.task.answer is FilledMask:
            return Usage(imports, encode.replace("a text", f"a text with {self._body.mask_token}"), _MASK)
        assert self._head_config is not None
        if not self._head_config.is_of_tokens:
            return Usage(imports, encode, printed(self._head_config))
        remark = "zoo joins tags to spans, and reads texts that are too long in windows."
        if self._head_config.words_spaced:
            encode = _ENCODE.format(texts="[text.split() for text in texts]", more=", is_pretokenized=True")
            return Usage(imports, encode, _TAGS.format(words="map(str.split, texts)", word="words[word]"), remark)
        return Usage(
            imports, encode, _TAGS.format(words="texts", word="words[slice(*one.word_to_chars(word))]"), remark
        )


def predictor_of(run: PredictionRun, compute: Compute, folder: Path) -> Predictor:
    """What answers texts by a folder that was written.

    Args:
        run: a prediction.
        compute: of the file of the network.
        folder: has the facts and the tokenizer.

    Raises:
        StoreInvalid: one of them cannot be read.
    """
    written = _WrittenTexts(folder)
    return predictor_on(written, run, _Computed(compute, written.pad_id))


class _WrittenTexts:
    """What a predictor asks of a body, as it was written down."""

    def __init__(self, folder: Path) -> None:
        facts = read_json(folder / FACTS)
        self.tokenizer = load_tokenizer(folder, ())
        try:
            self.max_tokens, self.pad_id = int(facts["max_tokens"]), int(facts["pad_id"])
            self.head_config = head_of(facts)
            self.mask_token, self.mask_id = str(facts.get("mask", "")), int(facts.get("mask_id", -1))
        except (KeyError, TypeError, ValueError) as error:
            raise StoreInvalid(f"{folder / FACTS} cannot be read: {error!r}", "export it again") from error

    def answering_network(self, run: PredictionRun) -> AnsweringNetwork:
        """There is none but the file."""
        raise NotImplementedError


class _Whole(nn.Module):
    """Body and head.

    Args:
        network: computes with modules.
        head: on its vectors.
    """

    def __init__(self, network: ModuleNetwork, head: Head | None) -> None:
        super().__init__()
        self.network, self.body = network, network.module
        self.head = head if isinstance(head, nn.Module) else nn.Identity()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """From token ids and 1 where a token is, both of shape (batch, tokens), to (batch, ...)."""
        return self.outputs(Block(input_ids, attention_mask.sum(1)))

    def outputs(self, block: Block) -> torch.Tensor:
        """Of texts that are filled up."""
        raise NotImplementedError


class _Pooled(_Whole):
    """What the head says of each text, shape (batch, outputs)."""

    def __init__(self, network: ModuleNetwork, head_config: HeadConfig | None) -> None:
        assert head_config is not None
        super().__init__(network, network.head(head_config))

    def outputs(self, block: Block) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.network.pooled([block]))
        return scores


class _Vectors(_Whole):
    """The vector of each text, of length one, shape (batch, width)."""

    def __init__(self, network: ModuleNetwork, head_config: HeadConfig | None) -> None:
        super().__init__(network, None)

    def outputs(self, block: Block) -> torch.Tensor:
        return functional.normalize(self.network.embedding([block]), dim=-1)


class _Tags(_Whole):
    """What the head says of each token, shape (batch, tokens, outputs)."""

    def __init__(self, network: ModuleNetwork, head_config: HeadConfig | None) -> None:
        assert head_config is not None
        super().__init__(network, network.tag_head(head_config))

    def outputs(self, block: Block) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.network.tokens([block]))
        return scores.view(*block.ids.shape, -1)


class _Fillings(_Tags):
    """The score of each token of the vocabulary at each place, shape (batch, tokens, vocabulary)."""

    def __init__(self, network: ModuleNetwork, head_config: HeadConfig | None) -> None:
        _Whole.__init__(self, network, network.token_head())


_BY_ANSWER: dict[type[Answer], Callable[[ModuleNetwork, HeadConfig | None], _Whole]] = {
    Embedding: _Vectors,
    FilledMask: _Fillings,
    TaggedSpans: _Tags,
}


def _head_of(body: TextBody, run: PredictionRun) -> HeadConfig | None:
    """What the head of the weights is for; None where the task needs none that has labels.

    Raises:
        Unsupported: the weights have no head, or the task is not answered by one.
    """
    if run.task.answer in (Embedding, FilledMask):
        return None
    if run.task.answer is not TaggedSpans:
        pooled_objective(run.task)
    if body.head_config is None:
        raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
    return body.head_config


class _Computed(AnsweringNetwork):
    """A network that is computed elsewhere, with its head, so that heads here do nothing.

    Args:
        compute: from token ids and their mask to what is answered from.
        pad_id: fills up.
    """

    def __init__(self, compute: Compute, pad_id: int) -> None:
        self._compute, self._pad_id = compute, pad_id

    def pooled(self, blocks: Blocks) -> torch.Tensor:
        """What the head says of each text."""
        return self._outputs(blocks)

    def at(self, token: int, blocks: Blocks) -> torch.Tensor:
        """What it says of one place of each text."""
        places = torch.cat([block.place_of(token) for block in blocks])
        return self._outputs(blocks)[torch.arange(len(places)), places]

    def tokens(self, blocks: Blocks) -> torch.Tensor:
        """What it says of each token."""
        outputs, at, parts = self._outputs(blocks), 0, []
        for texts, tokens in (block.ids.shape for block in blocks):
            parts.append(outputs[at : at + texts, :tokens].flatten(0, 1))
            at += texts
        return torch.cat(parts)

    def tag_head(self, head_config: HeadConfig) -> Head:
        """Nothing."""
        return nn.Identity()

    def head(self, head_config: HeadConfig) -> Head:
        """Nothing."""
        return nn.Identity()

    def token_head(self) -> Head:
        """Nothing."""
        return nn.Identity()

    def _outputs(self, blocks: Blocks) -> torch.Tensor:
        """Of all texts at once, filled up to the longest."""
        longest = max(block.ids.shape[1] for block in blocks)
        ids = [functional.pad(one.ids, (0, longest - one.ids.shape[1]), value=self._pad_id) for one in blocks]
        masks = [functional.pad(torch.ones_like(one.ids), (0, longest - one.ids.shape[1])) for one in blocks]
        return self._compute(torch.cat(ids), torch.cat(masks))
