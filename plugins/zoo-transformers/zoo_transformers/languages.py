"""Languages of translators that know several: a token at the beginning says which is meant."""

from __future__ import annotations

import re
from typing import Any

from zoo import OptionInvalid

NLLB_TOKEN = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
"""`deu_Latn`; other tokenizers say themselves which tokens are of languages."""


class Languages:
    """What a translator can be told.

    Args:
        tokenizer: of transformers.
        name: of the model, for messages.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer, self._name = tokenizer, name
        added = {str(token): number for number, token in tokenizer.added_tokens_decoder.items()}
        nllb = {token: number for token, number in added.items() if NLLB_TOKEN.fullmatch(token)}
        self._ids: dict[str, int] = dict(getattr(tokenizer, "lang_code_to_id", None) or nllb)

    @property
    def token_ids(self) -> frozenset[int]:
        """Of their tokens; none where a model is not told which language is meant."""
        return frozenset(self._ids.values())

    def set_source(self, language: str) -> None:
        """Let texts be of a language.

        Raises:
            OptionInvalid: the model knows no such language, or is told of none.
        """
        self._id_of(language, "--source-language")
        self._tokenizer.src_lang = language

    def target_id(self, language: str) -> int:
        """The token that an answer in a language begins with; raises as above."""
        return self._id_of(language, "--target-language")

    def required_target(self) -> OptionInvalid:
        """What is said where a model must be told, and is not."""
        return OptionInvalid(
            f"{self._name} translates into {len(self._ids)} languages", f"--target-language: {self._listed()}"
        )

    def _id_of(self, language: str, flag: str) -> int:
        if not self._ids:
            raise OptionInvalid(
                f"{flag} has no effect: {self._name} is not told of languages",
                "leave it out; some models read it in the text, as its page says",
            )
        if language not in self._ids:
            raise OptionInvalid(f"{self._name} knows no language {language!r}", f"it knows {self._listed()}")
        return self._ids[language]

    def _listed(self) -> str:
        return ", ".join(sorted(self._ids))
