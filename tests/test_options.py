"""Options are declared once: what a person gives is read, bounded and refused in words that say what is allowed."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import pytest

from zoo.errors import OptionInvalid, PluginBroken
from zoo.hyperparameters import FinetuneOptions, PretrainOptions
from zoo.options import Option, Options, option, parse, schema, to_dict


class Sampling(Options, frozen=True, kw_only=True):
    temperature: Annotated[float, option("Softmax temperature.", gt=0, le=10)] = 1.0
    top_k: Annotated[int | None, option("Answers kept.", ge=1, unit="answers")] = None
    order: Annotated[Literal["score", "name"], option("How answers are sorted.")] = "score"
    greedy: Annotated[bool, option("Take the best.")] = False
    prefix: Annotated[str, option("Put before each input.")] = ""


class Extended(Sampling, frozen=True, kw_only=True):
    share: Annotated[float, option("A share.", ge=0, lt=1)] = 0.5


class Sharper(Sampling, frozen=True, kw_only=True):
    temperature: Annotated[float, option("Softmax temperature.", gt=0, le=1)] = 0.5


def refused(options: type[Options] = Sampling, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(OptionInvalid) as caught:
        parse(options, arguments)
    return caught.value.message, caught.value.hint


def test_a_set_is_described_as_data_in_order_of_declaration() -> None:
    described = schema(Extended)

    assert [one.name for one in described] == ["temperature", "top_k", "order", "greedy", "prefix", "share"]
    assert described[1] == Option(
        name="top_k", kind="int", default=None, help="Answers kept.", unit="answers", optional=True, ge=1
    )
    assert described[2].choices == ("score", "name")
    assert [one.flag for one in described][:2] == ["--temperature", "--top-k"]
    assert [one.bounds for one in described] == [
        "0 < temperature <= 10",
        "1 <= top_k",
        "one of score, name",
        "",
        "",
        "0 <= share < 1",
    ]


def test_a_file_is_of_the_folder_in_which_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Listening(Options, frozen=True, kw_only=True):
        words: Annotated[str, option("A file of words.", file=True)] = ""

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))

    assert parse(Listening, {"words": "list.txt"}).words == str(tmp_path / "list.txt")
    assert parse(Listening, {"words": "~/list.txt"}).words == str(tmp_path / "home" / "list.txt")
    assert parse(Listening, {}).words == parse(Listening, {"words": ""}).words == ""


def test_a_set_may_declare_an_option_anew_in_its_old_place() -> None:
    assert [one.name for one in schema(Sharper)] == [one.name for one in schema(Sampling)]
    assert (schema(Sharper)[0].default, schema(Sharper)[0].le) == (0.5, 1)
    assert (schema(Sampling)[0].default, schema(Sampling)[0].le) == (1.0, 10)
    assert schema(Sharper)[1:] == schema(Sampling)[1:]


class Windows(Options, frozen=True, kw_only=True):
    width: Annotated[int, option("Words of a window.", ge=1, le=100)] = 10
    stride: Annotated[int, option("Words between windows.", ge=1, le=100)] = 5

    def check(self) -> None:
        if self.stride > self.width:
            raise OptionInvalid(f"--stride is {self.stride}, more than --width {self.width}", "words would be left out")


class MoreWindows(Windows, frozen=True, kw_only=True):
    overlap: Annotated[bool, option("Let windows overlap.")] = True

    def check(self) -> None:
        super().check()
        if not self.overlap and self.stride < self.width:
            raise OptionInvalid("windows overlap, though --no-overlap was given", "make --stride as large as --width")


def test_rules_between_options_are_checked_when_each_is_within_its_bounds() -> None:
    assert parse(Windows, {"stride": "10"}) == Windows(stride=10)
    assert refused(Windows, stride=11) == ("--stride is 11, more than --width 10", "words would be left out")
    assert refused(MoreWindows, stride=11)[0] == "--stride is 11, more than --width 10"
    assert refused(MoreWindows, overlap="no")[0] == "windows overlap, though --no-overlap was given"
    assert refused(Windows, stride=101, width=1)[0].startswith("--stride is 101, but takes")


def test_rules_that_fail_themselves_are_the_plugins_fault() -> None:
    class Wrong(Options, frozen=True, kw_only=True):
        def check(self) -> None:
            raise KeyError("nothing")

    with pytest.raises(PluginBroken, match=r"Wrong.check\(\) fails: KeyError: 'nothing'"):
        parse(Wrong, {})


def test_the_rules_of_every_training() -> None:
    message, _ = refused(FinetuneOptions, batch_size=4, micro_batch_size=8)
    assert message == "--micro-batch-size is 8, more than a batch of 4 holds"


def test_no_option_has_the_name_of_a_method() -> None:
    class Wrong(Options, frozen=True, kw_only=True):
        check: Annotated[int, option("A check.", ge=0)] = 0  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"Wrong.check has the name of a method of zoo.Options"):
        schema(Wrong)


def test_an_empty_set_has_no_options() -> None:
    assert schema(Options) == ()
    with pytest.raises(OptionInvalid, match=r"(?s)there is no option 'lr'.*options here: none"):
        parse(Options, {"lr": 1})


def test_nothing_given_means_the_defaults() -> None:
    assert parse(Sampling, {}) == Sampling()
    assert to_dict(Sampling()) == {
        "temperature": 1.0,
        "top_k": None,
        "order": "score",
        "greedy": False,
        "prefix": "",
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("temperature", "0.5", 0.5),
        ("temperature", " 1e-3 ", 0.001),
        ("temperature", 10, 10.0),
        ("top_k", "7", 7),
        ("top-k", "7", 7),
        ("top_k", 7, 7),
        ("top_k", "auto", None),
        ("top_k", None, None),
        ("order", "name", "name"),
        ("greedy", "yes", True),
        ("greedy", "TRUE", True),
        ("greedy", "0", False),
        ("greedy", True, True),
        ("prefix", "auto", "auto"),
        ("prefix", "1", "1"),
        ("prefix", "", ""),
        ("temperature", np.float32(0.5), 0.5),
        ("temperature", np.float64(0.5), 0.5),
        ("temperature", np.int64(2), 2.0),
        ("temperature", np.array(0.5), 0.5),
        ("temperature", Fraction(1, 2), 0.5),
        ("top_k", np.int64(7), 7),
        ("top_k", np.uint8(7), 7),
        ("top_k", np.array(7), 7),
        ("greedy", np.bool_(True), True),
        ("order", np.str_("name"), "name"),
    ],
)
def test_a_value_is_read_as_the_options_type(name: str, value: Any, expected: Any) -> None:
    parsed = getattr(parse(Sampling, {name: value}), name.replace("-", "_"))

    assert (parsed, type(parsed)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temperature", "hot", "--temperature is 'hot', but takes a number, more than 0 and at most 10"),
        ("temperature", "", "--temperature is '', but takes a number, more than 0 and at most 10"),
        ("temperature", "0", "--temperature is '0', but takes a number, more than 0 and at most 10"),
        ("temperature", 10.001, "--temperature is 10.001, but takes a number, more than 0 and at most 10"),
        ("temperature", "nan", "--temperature is nan, but takes a number, more than 0 and at most 10"),
        ("temperature", math.nan, "--temperature is nan, but takes a number, more than 0 and at most 10"),
        ("temperature", "inf", "--temperature is inf, but takes a number, more than 0 and at most 10"),
        ("temperature", "-inf", "--temperature is -inf, but takes a number, more than 0 and at most 10"),
        ("temperature", "1e999", "--temperature is inf, but takes a number, more than 0 and at most 10"),
        ("temperature", True, "--temperature is True, but takes a number, more than 0 and at most 10"),
        ("temperature", None, "--temperature is None, but takes a number, more than 0 and at most 10"),
        ("temperature", "auto", "--temperature is 'auto', but takes a number, more than 0 and at most 10"),
        ("top_k", "0", "--top-k is '0', but takes a whole number, at least 1 (answers), or auto"),
        ("top_k", "2.5", "--top-k is '2.5', but takes a whole number, at least 1 (answers), or auto"),
        ("top_k", 2.0, "--top-k is 2.0, but takes a whole number, at least 1 (answers), or auto"),
        ("top_k", True, "--top-k is True, but takes a whole number, at least 1 (answers), or auto"),
        ("top_k", [1], "--top-k is [1], but takes a whole number, at least 1 (answers), or auto"),
        ("order", "size", "--order is 'size', but takes one of score, name"),
        ("order", "Score", "--order is 'Score', but takes one of score, name"),
        ("order", 3, "--order is 3, but takes one of score, name"),
        ("greedy", "maybe", "--greedy is 'maybe', but takes true or false"),
        ("greedy", 1, "--greedy is 1, but takes true or false"),
        ("prefix", 3, "--prefix is 3, but takes text"),
        ("prefix", np.int64(3), "--prefix is 3, but takes text"),
        ("top_k", np.float64(2), "--top-k is 2.0, but takes a whole number, at least 1 (answers), or auto"),
        ("top_k", np.array([7]), "--top-k is array([7]), but takes a whole number, at least 1 (answers), or auto"),
        ("temperature", np.float32("nan"), "--temperature is nan, but takes a number, more than 0 and at most 10"),
        ("temperature", np.bool_(True), "--temperature is True, but takes a number, more than 0 and at most 10"),
        ("temperature", 1j, "--temperature is 1j, but takes a number, more than 0 and at most 10"),
        ("greedy", np.int64(1), "--greedy is 1, but takes true or false"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(name: str, value: Any, message: str) -> None:
    helps = {one.name: one.help for one in schema(Sampling)}
    hint = "did you mean score?" if value == "Score" else helps[name]
    assert refused(**{name: value}) == (message, hint)


def test_bounds_on_both_sides_are_a_range() -> None:
    class Grams(Options, frozen=True, kw_only=True):
        word_ngrams: Annotated[int, option("Longest run of words.", ge=0, le=5)] = 2

    assert refused(Grams, word_ngrams="two")[0] == "--word-ngrams is 'two', but takes a whole number from 0 to 5"


@pytest.mark.parametrize(
    ("options", "arguments", "hint"),
    [
        (Sampling, {"order": "scroe"}, "did you mean score?"),
        (Sampling, {"order": "sizes"}, "How answers are sorted."),
        (Extended, {"share": "20%"}, "did you mean 0.2?"),
        (Extended, {"share": "0,25"}, "did you mean 0.25?"),
        (Extended, {"share": "200%"}, "A share."),
        (Sampling, {"temperature": "1,000"}, "Softmax temperature."),
    ],
)
def test_a_value_that_is_nearly_allowed_is_suggested(
    options: type[Options], arguments: dict[str, Any], hint: str
) -> None:
    assert refused(options, **arguments)[1] == hint


@pytest.mark.parametrize("value", [10**400, "9" * 10_000])
def test_a_number_beyond_any_float_is_refused(value: Any) -> None:
    assert "but takes a number, more than 0 and at most 10" in refused(temperature=value)[0]


def test_a_strict_upper_bound_is_not_reached() -> None:
    assert parse(Extended, {"share": 0}) == Extended(share=0.0)
    assert refused(Extended, share=1)[0] == "--share is 1, but takes a number, at least 0 and less than 1"


def test_an_unknown_option_is_refused_with_those_there_are() -> None:
    assert refused(breadth=3) == (
        "there is no option 'breadth'",
        "options here: temperature, top_k, order, greedy, prefix",
    )


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    assert refused(**{"top-q": 3}) == ("there is no option 'top-q'", "did you mean top_k? Answers kept.")
    assert refused(FinetuneOptions, learning_rat=1)[1] == "did you mean lr? Peak learning rate."
    with pytest.raises(OptionInvalid, match="did you mean eval_data"):
        parse(FinetuneOptions, {"evaldata": "x.csv"}, beside=("eval_data",))


def test_what_other_tools_call_an_option_is_taken_for_its_name() -> None:
    expected = FinetuneOptions(lr=1e-4, epochs=2.0, warmup=0.2, schedule="cosine")
    arguments = {"learning_rate": 1e-4, "num-train-epochs": "2", "warmup_ratio": 0.2, "lr_scheduler_type": "cosine"}

    assert parse(FinetuneOptions, arguments) == expected
    assert refused(FinetuneOptions, lr=1, learning_rate=1)[0] == "lr was given twice, once as learning_rate"


def test_what_few_people_need_is_marked() -> None:
    usual = [one.name for one in schema(FinetuneOptions) if not one.advanced]
    assert usual == ["epochs", "batch_size", "lr", "eval_share", "method"]


def test_an_option_of_a_plugin_goes_before_an_alias() -> None:
    class Own(FinetuneOptions, frozen=True, kw_only=True):
        learning_rate: Annotated[float, option("Of something else.", ge=0, le=1)] = 0.5

    parsed = parse(Own, {"learning_rate": 1})
    assert (parsed.lr, parsed.learning_rate) == (None, 1.0)


def test_a_bound_holds_for_every_number_within_reach_of_it() -> None:
    assert parse(Sampling, {"temperature": math.nextafter(0, 1)}).temperature > 0
    assert parse(Sampling, {"temperature": 10}).temperature == 10
    assert refused(temperature=math.nextafter(10, 11))


class NotAnnotated(Options, frozen=True):
    depth: int = 1


class NoHelp(Options, frozen=True):
    depth: Annotated[int, option("")] = 1


class OtherNote(Options, frozen=True):
    depth: Annotated[int, "deep"] = 1


class NoDefault(Options, frozen=True):
    depth: Annotated[int, option("Deep.")]


class DefaultFactory(Options, frozen=True):
    depth: Annotated[int, option("Deep.")] = msgspec.field(default_factory=int)


class AList(Options, frozen=True):
    depth: Annotated[tuple[int, ...], option("Deep.")] = ()


class TwoTypes(Options, frozen=True):
    depth: Annotated[int | str, option("Deep.")] = 1


class NumberedChoices(Options, frozen=True):
    depth: Annotated[Literal[1, 2], option("Deep.")] = 1


class MixedChoices(Options, frozen=True):
    depth: Annotated[Literal["one", 2], option("Deep.")] = "one"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (NotAnnotated, r"NotAnnotated\.depth is not annotated with option"),
        (NoHelp, r"NoHelp\.depth has no option\(\.\.\.\) with a help text"),
        (OtherNote, r"OtherNote\.depth has no option\(\.\.\.\) with a help text"),
        (NoDefault, r"NoDefault\.depth has no default"),
        (DefaultFactory, r"DefaultFactory\.depth has no default"),
        (AList, r"AList\.depth is tuple\[int, \.\.\.\]; an option is a bool"),
        (TwoTypes, r"TwoTypes\.depth is int \| str; an option is a bool"),
        (NumberedChoices, r"NumberedChoices\.depth is .*; an option is a bool"),
        (MixedChoices, r"MixedChoices\.depth is .*; an option is a bool"),
    ],
)
def test_a_declaration_no_view_can_render_is_refused(options: type[Options], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        schema(options)


@pytest.mark.parametrize("options", [FinetuneOptions, PretrainOptions])
def test_zoos_own_options_are_described_and_their_defaults_allowed(options: type[Options]) -> None:
    assert parse(options, to_dict(options())) == options()
    assert all(one.help.endswith(".") for one in schema(options))


def test_what_was_typed_gives_what_python_gives() -> None:
    typed = parse(FinetuneOptions, {"epochs": "3", "batch-size": "16", "lr": "2e-5", "max_steps": "auto"})

    assert typed == parse(FinetuneOptions, {"epochs": 3, "batch_size": 16, "lr": 2e-5, "max_steps": None})
