"""Text that UTF-8 cannot encode is escaped where it is written, and everything else stays as it is."""

from __future__ import annotations

import msgspec
import pytest

from zoo.encoding import encode_json, escaped, is_encodable


class Row(msgspec.Struct, frozen=True, tag="row", omit_defaults=True):
    file: str
    names: tuple[str, ...] = ()
    cells: dict[str, object] = {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"caf\xe9.jpg".decode(errors="surrogateescape"), r"caf\xe9.jpg"),
        ("\ud83d half an emoji", r"\ud83d half an emoji"),
        ("\udc00\udc7f\udc80\udcff", r"\udc00\udc7f\x80\xff"),
        ("café 🦓", "café 🦓"),
        ("", ""),
    ],
)
def test_bytes_that_are_not_utf8_are_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected
    assert is_encodable(text) == (text == expected)
    assert is_encodable(expected)


def test_json_differs_in_the_escapes_only() -> None:
    def row(name: str) -> Row:
        return Row(name, ("a", name), {name: [None, 1.5, {"deep": name}], "set": {1}, "kind": Row(name)})

    assert encode_json(row("caf\udce9")) == msgspec.json.encode(row(r"caf\xe9"))
    assert encode_json(row("café")) == msgspec.json.encode(row("café"))
    assert encode_json(["caf\udce9", object], enc_hook=lambda kind: kind.__name__) == b'["caf\\\\xe9","object"]'
