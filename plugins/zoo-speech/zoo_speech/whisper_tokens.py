"""Whisper's tokens: what a text begins with, which tokens may follow, and the segments that they make.

A text is made of segments, each between two times in steps of 20 ms; times stand in pairs where one segment follows
another (Radford et al. 2022, section 2.3). The rules are those of its authors' `ApplyTimestampRules`, as transformers
has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer

from zoo import OptionInvalid, StoreInvalid
from zoo.training.pretrained import AGAIN, read_json

FRAMES_A_TIME = 2
"""Spectra in the step of times."""
TIME_S = 0.02
"""That step, in seconds."""
MOST_INITIAL = 50
"""Steps that the first segment of a window may begin after, where the model states nothing: a second."""
NORMALIZER = "normalizer"
"""Entry of a result's `config.json`: how transcripts were spelled that it learnt, where they were."""
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")
_HINT = f"it is damaged, or another model; {AGAIN}"


class TimedIds(NamedTuple):
    """A segment of a window."""

    ids: list[int]
    """Tokens of its text, times among them."""
    start: int
    """In steps from the beginning of the window, like `end`."""
    end: int


class WhisperTokens:
    """Those of one model.

    Args:
        folder: holds `tokenizer.json`, `config.json` and mostly `generation_config.json`.

    Raises:
        StoreInvalid: one of them cannot be read, or lacks what every Whisper has.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise StoreInvalid(f"{folder / 'tokenizer.json'} cannot be read: {error}", AGAIN) from error
        config = read_json(folder / "config.json")
        path = folder / "generation_config.json"
        stated = config | (read_json(path) if path.exists() else {})
        self.start = self._id(stated, "decoder_start_token_id", "<|startoftranscript|>")
        self.end = self._id(stated, "eos_token_id", "<|endoftext|>")
        self.first_time = self._id(stated, "no_timestamps_token_id", "<|notimestamps|>") + 1
        self.most_initial: int | None = stated.get("max_initial_timestamp_index", MOST_INITIAL)
        self.languages = self._languages(stated)
        """Ids of languages by their codes; none for a model of English alone."""
        tasks = stated.get("task_to_id") or {}
        self._transcribe = self._task(tasks, "transcribe")
        self._translate = self._task(tasks, "translate")
        self._never = sorted({*(stated.get("suppress_tokens") or ()), self.first_time - 1})
        self._not_first = sorted(stated.get("begin_suppress_tokens") or ())
        self.most = min(int(config["max_target_positions"]), int(stated.get("max_length") or 448))
        """Tokens of a text, those that it begins with among them."""
        self.most_written = self.most - (1 if self._transcribe is None else 3)
        """The same without those."""
        self.normalizer = str(config.get(NORMALIZER, ""))
        """By which texts are spelled that it writes; empty where it writes as people do."""
        self._usual_language = self._language(stated.get("language"))

    def language_id(self, language: str | None, model: str) -> int | None:
        """Of a code that a person chose, or of the language that the model is taught; None where it is to say it.

        Raises:
            OptionInvalid: the model does not know it.
        """
        if language is None:
            return self._usual_language
        code = language.strip().lower()
        if not self.languages:
            if code == "en":
                return None
            raise OptionInvalid(f"{model} knows English alone", "choose a model without .en, such as whisper-tiny")
        if code not in self.languages:
            raise OptionInvalid(
                f"{model} does not know the language {language!r}",
                f"--language takes a code of ISO 639-1: {', '.join(sorted(self.languages))}",
            )
        return self.languages[code]

    def task_id(self, model: str, *, translate: bool) -> int | None:
        """Of what is written: what is said, or the same in English; None where there is no choice.

        Raises:
            OptionInvalid: the model cannot translate.
        """
        if translate and self._translate is None:
            raise OptionInvalid(f"{model} does not translate", "choose a model without .en, such as whisper-tiny")
        return self._translate if translate else self._transcribe

    def prompt(self, language_id: int | None) -> list[int]:
        """What a text begins with that says, with times, what is said.

        Args:
            language_id: of what is spoken, where the model knows several.
        """
        return [self.start, *(one for one in (language_id, self._transcribe) if one is not None)]

    def code(self, language_id: int | None) -> str:
        """Of a language; empty where there is none."""
        return next((code for code, number in self.languages.items() if number == language_id), "")

    def text(self, ids: Sequence[int]) -> str:
        """Of tokens, without those that are times or marks."""
        text: str = self.tokenizer.decode([one for one in ids if one < self.first_time])
        return text

    def next_ids(self, scores: torch.Tensor, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """The likeliest tokens that may follow.

        Args:
            scores: float32 of shape (rows, vocabulary); changed.
            texts: tokens written so far, of each row.

        Returns:
            int64 of shape (rows,).
        """
        never = -torch.inf
        scores[:, self._never] = never
        if not texts[0]:  # all rows have as many
            scores[:, self._not_first] = never
            scores[:, : self.first_time] = never
            if self.most_initial is not None:
                scores[:, self.first_time + self.most_initial + 1 :] = never
            return scores.argmax(-1)
        for row, ids in zip(scores, texts, strict=True):
            times = [one for one in ids if one >= self.first_time]
            after_time = ids[-1] >= self.first_time
            after_pair = after_time and (len(ids) < 2 or ids[-2] >= self.first_time)
            if after_pair:
                row[self.first_time :] = never
            elif after_time:
                row[: self.end] = never
            if times:  # they never go back, and no segment is empty
                row[self.first_time : times[-1] + (0 if after_time and not after_pair else 1)] = never
        # A time comes where all times together are likelier than any word.
        times_likelier = scores[:, self.first_time :].logsumexp(-1) > scores[:, : self.first_time].amax(-1)
        scores[:, : self.first_time].masked_fill_(times_likelier[:, None], never)
        return scores.argmax(-1)

    def segments(self, ids: Sequence[int], frames: int) -> tuple[list[TimedIds], int]:
        """What a window says, and how far it was heard.

        Args:
            ids: written, without the token that ends a text.
            frames: spectra of the window that are of the recording.

        Returns:
            Segments, none of which goes on after the end of the recording; and spectra that the next window begins
            after: what was cut by the end of this one is heard again.
        """
        segments, heard = self._all_segments(ids, frames)
        last = -(-frames // FRAMES_A_TIME)
        inside = [one._replace(end=min(one.end, last)) for one in segments if one.start < last]
        return inside, heard

    def text_within(self, ids: Sequence[int], frames: int) -> str:
        """The text of a window, a segment that it cuts included.

        Args:
            ids: as those of `segments`.
            frames: likewise.
        """
        segments, heard = self.segments(ids, frames)
        texts = [segment.ids for segment in segments]
        if heard < frames:
            texts.append(list(ids[sum(len(one.ids) for one in self._all_segments(ids, frames)[0]) :]))
        return self.text([number for text in texts for number in text])

    def _all_segments(self, ids: Sequence[int], frames: int) -> tuple[list[TimedIds], int]:
        is_time = [one >= self.first_time for one in ids]
        ends = [i for i in range(1, len(ids)) if is_time[i - 1] and is_time[i]]
        if not ends:
            last = next((one for one in reversed(ids) if one >= self.first_time), self.first_time)
            end = last - self.first_time or frames // FRAMES_A_TIME
            return [TimedIds(list(ids), 0, end)], frames
        complete = is_time[-2:] == [False, True]  # nothing is said after the last time
        if complete:
            ends.append(len(ids))
        segments, start = [], 0
        for end in ends:
            part = list(ids[start:end])
            segments.append(TimedIds(part, part[0] - self.first_time, part[-1] - self.first_time))
            start = end
        heard = frames if complete else (ids[ends[-1] - 1] - self.first_time) * FRAMES_A_TIME
        return segments, heard

    def _id(self, stated: dict[str, Any], key: str, token: str) -> int:
        number = stated.get(key)
        number = number[0] if isinstance(number, list) and number else number
        if not isinstance(number, int):
            number = self.tokenizer.token_to_id(token)
        if not isinstance(number, int):
            raise StoreInvalid(f"neither generation_config.json nor tokenizer.json has {token}", _HINT)
        return number

    def _languages(self, stated: dict[str, Any]) -> dict[str, int]:
        if not stated.get("is_multilingual", True):
            return {}
        numbers = stated.get("lang_to_id")
        if numbers is None and "is_multilingual" in stated:
            numbers = {token: number for token, number in self.tokenizer.get_vocab().items() if number > self.end}
        return {match[1]: number for token, number in (numbers or {}).items() if (match := _LANGUAGE.fullmatch(token))}

    def _language(self, stated: Any) -> int | None:
        """Of what generation_config.json names, a code or its token."""
        if not isinstance(stated, str):
            return None
        match = _LANGUAGE.fullmatch(stated)
        return self.languages.get(match[1] if match else stated)

    def _task(self, tasks: dict[str, int], name: str) -> int | None:
        if not self.languages:
            return None
        number: int | None = tasks.get(name, self.tokenizer.token_to_id(f"<|{name}|>"))
        return number
