"""Chat templates: how a model is told who says what, rendered as transformers renders them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from zoo.errors import Unsupported
from zoo.kinds.prompt import ASSISTANT, Message
from zoo.sanitize import one_line

Span = tuple[int, int]
"""The first character, and the one after the last."""
_MARK = "\0"
"""Stands before and after what the template says is the model's; no message holds one."""


class RenderedChat(NamedTuple):
    """A conversation as the model reads it."""

    text: str
    answers: tuple[Span, ...]
    """Where the model's own words stand."""


class ChatTemplate:
    """The template of a model.

    Args:
        source: in Jinja, of whoever published the model: it runs in a sandbox.
        special_tokens: the names that it knows tokens by, such as `bos_token`, and their texts.
        model: for messages.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str], model: str) -> None:
        self._special_tokens, self._model = dict(special_tokens), model
        try:
            self._template = _environment().from_string(source)
        except TemplateError as error:
            raise self._unusable(f"cannot be read: {error}") from error

    def render(self, messages: Sequence[Message]) -> str:
        """A conversation up to where the model's next message begins.

        Raises:
            Unsupported: the template refuses these messages, or fails.
        """
        return self._render(messages, answering=True).replace(_MARK, "")

    def render_answers(self, messages: Sequence[Message]) -> RenderedChat:
        """A whole conversation, and where the model's own words stand in it.

        The template says so by `{% generation %}`, as transformers has it. Where it does not, the words of a message
        are what stands between the conversation up to there, with the beginning of an answer, and with the message.

        Raises:
            Unsupported: as `render`; or the template renders a message otherwise once another one follows.
        """
        parts = self._render(messages, answering=False).split(_MARK)
        text = "".join(parts)
        return RenderedChat(text, tuple(_marked(parts)) if len(parts) > 1 else tuple(self._differences(messages, text)))

    def _differences(self, messages: Sequence[Message], text: str) -> Iterator[Span]:
        for place, message in enumerate(messages):
            if message["role"] != ASSISTANT:
                continue
            before, after = self.render(messages[:place]), self._render(messages[: place + 1], answering=False)
            if not (after.startswith(before) and text.startswith(after)):
                raise self._unusable(
                    f"renders message {place + 1} otherwise once it is complete, or once another follows, so its words "
                    "cannot be told apart"
                )
            yield len(before), len(after)

    def _render(self, messages: Sequence[Message], *, answering: bool) -> str:
        try:
            return self._template.render(
                messages=[dict(one) for one in messages], add_generation_prompt=answering, **self._special_tokens
            )
        except (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            raise self._unusable(f"refuses the messages: {error}") from error

    def _unusable(self, fault: str) -> Unsupported:
        return Unsupported(
            one_line(f"the chat template of {self._model} {fault}"),
            "give it texts instead: columns prompt and completion, or text",
        )


def _marked(parts: Sequence[str]) -> Iterator[Span]:
    """Every second part is the model's."""
    end = 0
    for place, part in enumerate(parts):
        start, end = end, end + len(part)
        if place % 2 and part:
            yield start, end


class _Generation(Extension):
    """`{% generation %} ... {% endgeneration %}` around the model's own words."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Macro) -> str:
        return f"{_MARK}{caller()}{_MARK}"


class _SafeNamespace(Namespace):
    """A namespace that keeps nothing whose name begins as those of Python's own insides do."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        attributes = dict(*args[1:], **kwargs)
        for name in attributes:
            _check_name(name)
        Namespace.__init__(args[0], attributes)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise TemplateError(f"a namespace cannot hold {name}")


def _environment() -> ImmutableSandboxedEnvironment:
    """With what transformers gives to templates."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {
        "raise_exception": _raise,
        "strftime_now": lambda form: datetime.now().astimezone().strftime(form),
        "namespace": _SafeNamespace,
        "dict": _new_dict,
    }
    return environment


def _new_dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    """What `dict` makes; the type itself is not for templates."""
    return dict(*args, **kwargs)


def _raise(message: str) -> None:
    raise TemplateError(message)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
