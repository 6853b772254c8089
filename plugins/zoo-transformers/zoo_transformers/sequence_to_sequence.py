"""Summaries, translations and other texts that an encoder and a decoder of transformers make of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, NamedTuple

import torch
import transformers
from msgspec.structs import replace
from torch.nn.utils.rnn import pad_sequence

from zoo import GeneratedText, OptionInvalid, Prediction, PredictionRun, Rejected, Text2TextOptions, stop_texts
from zoo.training.precisions import DTYPES
from zoo.training.text.answering import objection_to
from zoo.training.text.generating import batches
from zoo.training.text.texts import max_tokens_of
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.languages import Languages
from zoo_transformers.text import pad_id_of, read_tokenizer

USUAL_TOKENS = 256
"""Of an answer, where neither the model nor a person says how long one may be."""


class _ReadText(NamedTuple):
    """A text as the encoder reads it."""

    ids: list[int]
    truncated: bool


class SequencePredictor:
    """Texts by transformers' own `generate`, as the model's generation_config has it, but for what a person chooses.

    Args:
        run: its options are `zoo.CausalPredictOptions` with `zoo.Text2TextOptions`.

    Raises:
        OptionInvalid: an option has no effect with this model, or it knows no such language.
    """

    def __init__(self, run: PredictionRun) -> None:
        self._options: Text2TextOptions = run.options
        self._batch_tokens: int = run.options.batch_tokens
        self._max_tokens = max_tokens_of(run.card)
        self._device = torch.device(run.device)
        self._stops = stop_texts(run.options.stop)
        self._tokenizer = read_tokenizer(run.weights)
        network = load_network(
            transformers.AutoModelForSeq2SeqLM, run.weights, read_config(run.weights), with_head=True
        )
        self._network = network.to(self._device, DTYPES[run.precision]).eval()
        self._stated = network.generation_config
        self._draws = self._has_draws(run.card.name)
        self._beams: int = self._options.beams or self._stated.num_beams or 1
        self._chosen = {**self._chosen_options(), **self._language_options(run.card.name)}

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Write for every text, in order; one that cannot be read is rejected in its place."""
        answers: list[Prediction] = [Rejected(objection_to(value)) for value in inputs]
        usable = [index for index, value in enumerate(inputs) if not objection_to(value)]
        texts = {index: self._read(inputs[index]) for index in usable}
        lengths = [self._beams * (len(texts[index].ids) + self._most_tokens) for index in usable]
        budget = 1 if self._draws else self._batch_tokens  # what is drawn for a text depends on no other
        for batch in batches(lengths, budget):
            indices = [usable[place] for place in batch]
            for index, answer in zip(indices, self._write([texts[index] for index in indices]), strict=True):
                answers[index] = answer
        return answers

    def stream(self, text: Any) -> Iterator[str | Prediction]:
        """The words of one answer as they are written, and the answer itself; beams and stops let it come whole."""
        if reason := objection_to(text):
            yield Rejected(reason)
        elif self._beams > 1 or self._stops:
            (answer,) = self._write([self._read(text)])
            yield answer.text
            yield answer
        else:
            yield from self._stream(self._read(text))

    def _stream(self, text: _ReadText) -> Iterator[str | Prediction]:
        streamer = transformers.TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        closed = Event()
        answers: list[GeneratedText | BaseException] = []

        def work() -> None:
            try:
                answers.extend(self._write([text], closed, streamer=streamer))
            except BaseException as error:  # raised again by whoever reads
                answers.append(error)
            finally:
                streamer.end()

        thread = Thread(target=work, name="zoo-write")
        thread.start()
        try:
            yield from (piece for piece in streamer if piece)
        finally:
            closed.set()
            thread.join()
        if isinstance(answers[0], BaseException):
            raise answers[0]
        yield answers[0]

    def _read(self, text: str) -> _ReadText:
        ids: list[int] = self._tokenizer(text)["input_ids"]
        if len(ids) <= self._max_tokens:
            return _ReadText(ids, truncated=False)
        return _ReadText(
            self._tokenizer(text, truncation=True, max_length=self._max_tokens)["input_ids"], truncated=True
        )

    def _write(self, texts: Sequence[_ReadText], closed: Event | None = None, **how: Any) -> list[GeneratedText]:
        """The answers to texts of one batch, as far as they came until an event."""
        ids = [torch.tensor(text.ids) for text in texts]
        inputs = pad_sequence(ids, batch_first=True, padding_value=pad_id_of(self._tokenizer)).to(self._device)
        lengths = torch.tensor([len(one) for one in ids], device=self._device)
        mask = (torch.arange(inputs.shape[1], device=self._device) < lengths[:, None]).long()
        halts = [_Halts(self._tokenizer, self._stops, closed)] if self._stops or closed else []
        with torch.inference_mode(), self._seeded():
            rows = self._network.generate(
                input_ids=inputs,
                attention_mask=mask,
                stopping_criteria=transformers.StoppingCriteriaList(halts),
                **self._chosen,
                **how,
            )
        return [self._answer(row, text) for row, text in zip(rows.tolist(), texts, strict=True)]

    def _answer(self, row: list[int], read: _ReadText) -> GeneratedText:
        """What a sequence says that begins with the token which decoders begin with."""
        ends = self._stated.eos_token_id
        ends = {ends} if isinstance(ends, int) else set(ends or ())
        written = row[1:]
        place = next((place for place, token in enumerate(written) if token in ends), None)
        if place is not None:
            written = written[: place + 1]
        else:
            while written and written[-1] == self._stated.pad_token_id:
                written.pop()
        text: str = self._tokenizer.decode(written, skip_special_tokens=True)
        stop = min((found for one in self._stops if (found := text.find(one)) >= 0), default=None)
        answer = GeneratedText(text, "length" if place is None else "end", len(written))
        if stop is not None:
            answer = GeneratedText(text[:stop], "stop", len(written))
        return replace(answer, truncated_at=self._max_tokens) if read.truncated else answer

    @property
    def _most_tokens(self) -> int:
        """Of an answer."""
        most = self._chosen.get("max_new_tokens") or self._stated.max_new_tokens or self._stated.max_length
        return int(most or USUAL_TOKENS)

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        if not self._draws:
            yield
            return
        kind = self._device.type
        with torch.random.fork_rng([self._device] if kind in ("cuda", "xpu") else [], device_type=kind):
            torch.manual_seed(self._options.seed or 0)
            yield

    def _has_draws(self, name: str) -> bool:
        """Whether tokens are drawn.

        Raises:
            OptionInvalid: they are not, and there is an option of drawing.
        """
        chosen = self._options.temperature
        draws = bool(self._stated.do_sample) if chosen is None else chosen > 0
        idle = next((one for one in ("top_p", "top_k", "seed") if getattr(self._options, one) is not None), "")
        if idle and not draws:
            raise OptionInvalid(
                f"--{idle.replace('_', '-')} has no effect: {name} takes the most likely token",
                "give a --temperature, such as 0.7, or leave it out",
            )
        return draws

    def _chosen_options(self) -> dict[str, Any]:
        """Of `generate`: what a person chose, and what the model leaves open."""
        options = self._options
        chosen = {
            "num_beams": options.beams,
            "repetition_penalty": options.repetition_penalty,
            "temperature": options.temperature or None,
            "top_k": options.top_k,
            "top_p": options.top_p,
            "max_new_tokens": options.max_tokens,
            "do_sample": self._draws,
        }
        if not (options.max_tokens or self._stated.max_length or self._stated.max_new_tokens):
            chosen["max_new_tokens"] = USUAL_TOKENS
        config = self._network.config
        positions = getattr(config, "max_decoder_position_embeddings", None) or getattr(
            config, "max_position_embeddings", None
        )
        if chosen["max_new_tokens"] and positions:
            chosen["max_new_tokens"] = min(chosen["max_new_tokens"], positions - 1)
        return {name: value for name, value in chosen.items() if value is not None}

    def _language_options(self, name: str) -> dict[str, Any]:
        languages = Languages(self._tokenizer, name)
        if self._options.source_language:
            languages.set_source(self._options.source_language)
        if self._options.target_language:
            token = languages.target_id(self._options.target_language)
            begins = self._stated.decoder_start_token_id in languages.token_ids
            return {"decoder_start_token_id" if begins else "forced_bos_token_id": token}
        told = {self._stated.forced_bos_token_id, self._stated.decoder_start_token_id}
        if languages.token_ids and not told & languages.token_ids:
            raise languages.required_target()
        return {}


class _Halts(transformers.StoppingCriteria):
    """Texts that stop an answer, and whoever has read enough."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], closed: Event | None) -> None:
        self._tokenizer, self._stops, self._closed = tokenizer, stops, closed

    def __call__(self, input_ids: torch.Tensor, scores: Any, **unused: Any) -> torch.Tensor:
        """Whether each row is at its end, shape (rows,)."""
        closed = self._closed is not None and self._closed.is_set()
        return torch.tensor([closed or self._stopped(row) for row in input_ids], device=input_ids.device)

    def _stopped(self, row: torch.Tensor) -> bool:
        text = self._tokenizer.decode(row, skip_special_tokens=True) if self._stops else ""
        return any(stop in text for stop in self._stops)
