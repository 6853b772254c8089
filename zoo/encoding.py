r"""Text that UTF-8 cannot encode: Python has lone surrogates for the bytes of names and arguments that are not UTF-8.

Such text is shown, and written to JSON and other files, with those bytes escaped: `caf\xe9.jpg`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def is_encodable(text: str) -> bool:
    """Whether a text can be encoded as UTF-8."""
    return text.isascii() or _SURROGATE.search(text) is None


def not_utf8(text: str) -> str:
    """What is wrong with a text that cannot be encoded, as the end of a sentence."""
    code = ord(next(character for character in text if not is_encodable(character)))
    return f"holds the byte 0x{code - 0xDC00:02X}, which is not UTF-8" if 0xDC80 <= code <= 0xDCFF else "is not UTF-8"


def escaped(text: str) -> str:
    r"""The text with `\xe9` for a byte that is not UTF-8, and `\ud83d` for another lone surrogate."""
    return text if is_encodable(text) else _SURROGATE.sub(_escape, text)


def encode_json(value: Any, *, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
    """A value as JSON, its texts escaped where UTF-8 cannot encode them."""
    try:
        return msgspec.json.encode(value, enc_hook=enc_hook)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(value, str_keys=True, enc_hook=enc_hook)
        return msgspec.json.encode(_with_escapes(plain))


def _with_escapes(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {escaped(key): _with_escapes(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_escapes(item) for item in value]
    return value


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"  # PEP 383
