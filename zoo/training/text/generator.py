"""What answers prompts with a causal body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from zoo.answers import Prediction, Rejected, ScoredText
from zoo.encoding import is_encodable
from zoo.errors import OptionInvalid, Unsupported
from zoo.kinds import Unusable
from zoo.kinds.prompt import Message, messages_of, without_oldest_turn
from zoo.plurals import counted
from zoo.training.text.generating import Writing, batches, options_of, write
from zoo.training.text.learnt import USUAL_TOKENS, LearntText, LearntTexts

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun
    from zoo.training.text.causal import CausalBody


class TextGenerator:
    """A causal body, and how it is asked.

    Args:
        run: its options are `zoo.CausalPredictOptions` with `zoo.GenerationOptions`.
        body: of the weights.

    Raises:
        OptionInvalid: there is an option for models that chat, and this one does not.
    """

    def __init__(self, run: PredictionRun, body: CausalBody) -> None:
        self._run, self._body = run, body
        self._texts = LearntTexts(body, run.card.name)
        self._use(run.options)
        self._network = body.generating_network(run)

    def with_options(self, options: Any) -> TextGenerator:
        """The same body, asked with other options."""
        other = copy(self)
        other._use(options)
        return other

    def _use(self, options: Any) -> None:
        self._options = options_of(options)
        self._batch_tokens: int = options.batch_tokens
        if self._options.system and self._texts.template is None:
            raise OptionInvalid(
                f"--system goes with models that chat, and {self._run.card.name} has no chat template", "leave it out"
            )

    @property
    def chats(self) -> bool:
        """Whether it answers messages."""
        return self._texts.template is not None and not self._options.raw

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Write after every prompt, in order; one that cannot be answered is rejected in its place."""
        prompts = [self._read_prompt(one) for one in inputs]
        answers: list[Prediction] = [one if isinstance(one, Rejected) else Rejected("") for one in prompts]
        writings = {index: self._writing(one) for index, one in enumerate(prompts) if not isinstance(one, Rejected)}
        usable = list(writings)
        lengths = [len(writings[index].ids) + self._options.max_tokens for index in usable]
        for batch in batches(lengths, self._batch_tokens):
            indices = [usable[place] for place in batch]
            for _ in write(self._network, [writings[index] for index in indices], self._options, self._run.device):
                pass
            for index in indices:
                answers[index] = writings[index].answer
        return answers

    def stream(self, prompt: Any) -> Iterator[str | Prediction]:
        """The pieces of one answer as they are written, and the answer itself."""
        read = self._read_prompt(prompt)
        if isinstance(read, Rejected):
            yield read
            return
        writing = self._writing(read)
        for _ in write(self._network, [writing], self._options, self._run.device):
            if piece := writing.take():
                yield piece
        yield writing.answer

    def judged(self, prompts: list[Any], completions: list[str | None]) -> list[Prediction]:
        """How likely each completion is after its prompt, or each text where there is none; long ones in windows."""
        size = min(USUAL_TOKENS, self._body.positions)
        answers: list[Prediction] = []
        windows: list[LearntText] = []
        owners: list[int] = []
        for prompt, completion in zip(prompts, completions, strict=True):
            text = self._learnt(prompt, completion)
            answers.append(text if isinstance(text, Rejected) else ScoredText(0.0, 0))
            if isinstance(text, LearntText):
                pieces = list(text.windows(size, max(1, size // 2))) if all(text.learnt) else [text.cut(size)]
                windows += pieces
                owners += [len(answers) - 1] * len(pieces)
        sums, counts = [0.0] * len(answers), [0] * len(answers)
        for owner, window, loss in zip(owners, windows, self._losses(windows), strict=True):
            sums[owner] += loss
            counts[owner] += window.learnt_tokens
        return [
            ScoredText(sums[place] / counts[place], counts[place])
            if counts[place]
            else answer
            if isinstance(answer, Rejected)
            else Rejected("nothing of it can be judged: the completion is empty, or cut away")
            for place, answer in enumerate(answers)
        ]

    def _learnt(self, prompt: Any, completion: str | None) -> LearntText | Rejected:
        if reason := _objection(prompt):
            return Rejected(reason)
        try:
            return self._texts.of(prompt, completion)
        except Unsupported as unsupported:
            return Rejected(unsupported.message)

    def _losses(self, texts: Sequence[LearntText]) -> list[float]:
        """The sum over the learnt tokens of each, in nats."""
        losses = [0.0] * len(texts)
        for batch in batches([len(text.ids) for text in texts], self._batch_tokens):
            ids = [torch.tensor(texts[index].ids) for index in batch]
            learnt = pad_sequence([torch.tensor(texts[index].learnt[1:]) for index in batch], batch_first=True)
            with torch.inference_mode():
                padded = pad_sequence(ids, batch_first=True).to(self._run.device)
                by_token = self._network.losses(padded, torch.tensor([len(one) for one in ids])).cpu()
            for index, loss in zip(batch, torch.where(learnt, by_token, 0.0).double().sum(-1).tolist(), strict=True):
                losses[index] = loss
        return losses

    def _writing(self, prompt: _ReadPrompt) -> Writing:
        return Writing(
            prompt.ids,
            self._body.tokenizer,
            self._body.eos_ids,
            self._options,
            self._body.positions,
            prompt.messages_left_out,
        )

    def _read_prompt(self, prompt: Any) -> _ReadPrompt | Rejected:
        """What is read of a prompt; or why it cannot be answered."""
        if reason := _objection(prompt):
            return Rejected(reason)
        try:
            if isinstance(prompt, str):
                read = _ReadPrompt(self._prompt_ids(prompt))
            else:
                read = self._latest_turns(messages_of(prompt, "the prompt"))
        except Unsupported as unsupported:
            return Rejected(unsupported.message)
        if not read.ids:
            return Rejected("the prompt is empty")
        if len(read.ids) >= self._body.positions:
            return Rejected(
                f"the prompt has {counted(len(read.ids), 'token')}, and the model takes {self._body.positions:,} with "
                "the answer"
            )
        return read

    def _latest_turns(self, messages: list[Message]) -> _ReadPrompt:
        """A conversation without its oldest turns, as far as it and its answer need the room.

        An answer is given room for as many tokens as it may have, but not for more than half of what the model takes.
        """
        size = self._body.positions - min(self._options.max_tokens, self._body.positions // 2)
        read, latest = _ReadPrompt(self._prompt_ids(messages)), messages
        while len(read.ids) > size and (latest := without_oldest_turn(latest)):
            read = _ReadPrompt(self._prompt_ids(latest), len(messages) - len(latest))
        return read

    def _prompt_ids(self, prompt: Any) -> list[int]:
        return self._texts.prompt_ids(prompt, raw=self._options.raw, system=self._options.system)


class _ReadPrompt(NamedTuple):
    """What a model reads of a prompt."""

    ids: list[int]
    messages_left_out: int = 0
    """The oldest of a conversation for which there was no room."""


def _objection(prompt: Any) -> str:
    """Why something is no prompt; empty where it is one."""
    if isinstance(prompt, str):
        if not prompt.strip():
            return "the prompt is empty"
        return "" if is_encodable(prompt) else "the prompt holds bytes that are not UTF-8"
    if not isinstance(prompt, list | tuple):
        return f"the input is {type(prompt).__name__}, neither text nor messages"
    try:
        messages_of(prompt, "the prompt")
    except Unusable as unusable:
        return str(unusable)
    return ""
