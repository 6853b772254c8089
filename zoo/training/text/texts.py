"""The texts of a training as token ids, cut at one limit that is chosen from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from zoo.card import Card, TextInput
from zoo.options import Options, schema
from zoo.training.text.encoding import encode

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

LEAST_MAX_TOKENS = 128
"""The limit where none is asked for, unless texts are longer: the result can be asked more than it was trained on."""
MICRO_BATCH_TOKENS = 64 * LEAST_MAX_TOKENS
"""Most tokens computed at once, padding included, where the size of a micro-batch is left open."""
CHUNK = 1024
"""Texts that are tokenised at once."""


def max_tokens_of(card: Card) -> int:
    """What a text model was made for."""
    assert isinstance(card.input, TextInput)
    return card.input.max_tokens


class TrainingTexts:
    """Texts of the training and the evaluation rows, each tokenised once.

    Where no limit is asked for, it is the smallest that cuts none of them, within what the model was made for.

    Args:
        run: its rows and options; the chosen limit, and what is cut, are noted in it.
        tokenizer: of the model.
        positions: most tokens that the network can take.
        width: of the network.
        in_windows: whether longer texts are seen in parts that overlap, rather than cut.
    """

    def __init__(
        self, run: TrainingRun, tokenizer: Tokenizer, *, positions: int, width: int, in_windows: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._requested: int | None = run.options.max_tokens
        self._width = width
        options: type[Options] = type(run.options)
        bound = next(one.le for one in schema(options) if one.name == "max_tokens")
        self._most = positions if bound is None else min(positions, int(bound))
        """What can be asked for."""
        self._model_limit = min(max_tokens_of(run.card), self._most)
        most = min(self._requested or self._model_limit, self._most)
        self._in_windows = in_windows
        self._ids: dict[str, list[int]] = {}
        self._lengths = self._measure([example.input for example in (*run.train, *run.eval)], most)
        self._longest = max(self._lengths, default=0)
        self.max_tokens: int = most if self._requested else min(most, max(LEAST_MAX_TOKENS, self._longest))
        self._report_windows(run) if in_windows else self._report(run)

    @property
    def micro_batch_size(self) -> int:
        """Texts computed at once: longer ones need more memory each."""
        longest = max(self.max_tokens, self._longest) if self._in_windows else self.max_tokens
        return max(1, min(64, MICRO_BATCH_TOKENS // longest))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut at the limit."""
        known_ids = [self._ids.pop(text, None) for text in texts]  # whoever asks holds them from here on
        missing = [text for text, ids in zip(texts, known_ids, strict=True) if ids is None]
        encoded = iter(encode(self._tokenizer, missing, self.max_tokens))
        return [next(encoded).ids if ids is None else ids for ids in known_ids]

    def _measure(self, texts: list[str], most: int) -> list[int]:
        """Tokens of each text; the ids of those that are not cut are kept."""
        self._tokenizer.no_truncation()
        lengths = []
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            for text, encoding in zip(chunk, self._tokenizer.encode_batch_fast(chunk), strict=True):
                lengths.append(len(encoding))
                if len(encoding) <= most and not self._in_windows:
                    self._ids[text] = encoding.ids
        return lengths

    def _report(self, run: TrainingRun) -> None:
        if not self._lengths:  # the rows are elsewhere
            run.note(f"tokens: texts are cut at {self.max_tokens}; --max-tokens takes up to {self._most}")
            return
        cut, limit = self._longer_than(self.max_tokens), self.max_tokens
        if cut and self._requested:
            auto = self._longer_than(self._model_limit)
            advice = f"; --max-tokens auto cuts {auto or 'none'}" if auto < cut else ""
            run.warn(f"{self._share(cut)} cut at {limit} tokens; the longest has {self._longest:,}{advice}")
        elif cut:
            more = f"; --max-tokens takes up to {self._most}" if limit < self._most else ""
            run.warn(
                f"{self._share(cut)} cut at {limit} tokens, which is what {run.card.name} was made for; "
                f"the longest has {self._longest:,}{more}"
            )
        else:
            run.note(f"tokens: the longest text has {self._longest:,}, none is cut (limit {limit})")
        if limit > LEAST_MAX_TOKENS and (longer := self._longer_than(LEAST_MAX_TOKENS)):
            times = self._cost(limit) / self._cost(LEAST_MAX_TOKENS)
            run.note(
                f"tokens: a limit of {limit} takes about {times:.1f} times the computing of "
                f"--max-tokens {LEAST_MAX_TOKENS}, with which {self._share(longer)} cut"
            )

    def _report_windows(self, run: TrainingRun) -> None:
        longer, limit = self._longer_than(self.max_tokens), self.max_tokens
        windows = f"{self._share(longer)} seen in windows of {limit} that overlap" if longer else f"limit {limit}"
        run.note(f"tokens: the longest text has {self._longest:,}, none is cut ({windows})")

    def _longer_than(self, limit: int) -> int:
        return sum(length > limit for length in self._lengths)

    def _share(self, count: int) -> str:
        total = len(self._lengths)
        return f"{count:,} of {total:,} texts ({count / total:.1%}) {'is' if count == 1 else 'are'}"

    def _cost(self, limit: int) -> int:
        """Operations of all texts, in arbitrary units: linear layers go by tokens, attention by their square."""
        lengths = [min(length, limit) for length in self._lengths]
        return sum(tokens * (6 * self._width + tokens) for tokens in lengths)
