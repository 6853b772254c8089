"""What an inspection measures of prompts."""

from __future__ import annotations

from typing import Any

from zoo.answers import Rejected
from zoo.encoding import encode_json
from zoo.kinds.measure import Measurement
from zoo.kinds.prompt import conversation_text
from zoo.kinds.text import text_key
from zoo.kinds.text_measure import TextMeasure


class PromptMeasure(TextMeasure):
    """Of texts as such, of conversations all that is said in them."""

    def look(self, value: Any) -> Measurement | Rejected:
        """Conversations are the same where all of their messages are."""
        if isinstance(value, str):
            return super().look(value)
        return Measurement(text_key(encode_json(value).decode()), "", conversation_text(value))
