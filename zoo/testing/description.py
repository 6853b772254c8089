"""What a plugin says of itself before anything is computed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest

import zoo
from zoo.ability_options import option_set
from zoo.card import VERBS
from zoo.options import parse, schema
from zoo.plugins import load_plugin
from zoo.sanitize import plain
from zoo.tasks import get_task
from zoo.testing.probe import Probe, probe
from zoo.testing.subject import Subject

Record = Callable[[str, object], None]
IMPORT_LIMIT_MS = 500.0
CARDS_LIMIT_MS = 50.0


class Description(Subject):
    """Light, offline, complete."""

    @pytest.fixture(scope="class")
    @classmethod
    def probed(cls, home: object) -> Probe:
        """What loading the plugin does to a fresh process."""
        return probe(cls.plugin)

    def test_importing_the_plugin_is_light(self, probed: Probe, record_property: Record) -> None:
        record_property("import_ms", round(probed.import_ms, 1))
        light = {*sys.stdlib_module_names, "zoo", "msgspec"}
        heavy = sorted({(by, name) for by, name in probed.imports if name.partition(".")[0] not in light})
        imports = ", ".join(f"{by} imports {name}" for by, name in heavy)

        assert not heavy, f"{imports}: do so inside the hooks that need it, not when the plugin is imported"
        assert probed.import_ms < IMPORT_LIMIT_MS, "every zoo command waits for this import"

    def test_cards_are_described_offline_and_the_same_each_time(self, probed: Probe, record_property: Record) -> None:
        record_property("cards_ms", round(probed.cards_ms, 1))

        assert not probed.touched, "describing the models is pure: no network, no process, no file written"
        assert probed.same, "cards() gave other cards when it was asked again"
        assert probed.cards_ms < CARDS_LIMIT_MS, "every zoo command waits for the cards"

    def test_cards_are_complete(self, home: object) -> None:
        for card in load_plugin(self.plugin).cards:
            assert card.summary, f"{card.name} has no summary"
            assert card.license, f"{card.name} has no license"
            assert card.abilities, f"{card.name} can do nothing"
            for ability in card.abilities:
                get_task(ability.task)

    def test_the_text_of_cards_does_not_act_on_a_terminal(self, home: object) -> None:
        for card in load_plugin(self.plugin).cards:
            builtins = msgspec.to_builtins(card, enc_hook=lambda of: [option.help for option in schema(of)])
            for text in _texts(builtins):
                assert plain(text) == text, f"{card.name}: control characters in {text!r}"

    def test_what_the_model_lacks_is_declared(self, card: zoo.Card) -> None:
        lacking = set(VERBS) - set(card.verbs)

        assert lacking == set(self.lacks) & set(VERBS), "`lacks` names the abilities that the card does not have"

    def test_options_have_help_and_bounds(self, home: object) -> None:
        for card in load_plugin(self.plugin).cards:
            for ability in card.abilities:
                for option in schema(option_set(ability)):
                    where = f"option {option.name} to {ability.verb} {card.name}"
                    assert option.help.endswith("."), f"{where}: its help is no sentence: {option.help!r}"
                    if option.kind in ("int", "float"):
                        assert option.bounds, f"{where} has no bounds; say ge=, gt=, le= or lt="
                    parse(option_set(ability), {option.name: option.default})

    def test_the_command_shows_the_options(self, card: zoo.Card) -> None:
        for ability in card.abilities:
            words = [str(ability.verb), card.full_name, "--task", ability.task, "--help-all"]
            command = [sys.executable, "-m", "zoo", *words]
            process = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
            assert process.returncode == 0, process.stderr
            for option in schema(option_set(ability)):
                assert option.flag in process.stdout, f"zoo {' '.join(words)} does not show {option.flag}"


def _texts(value: object) -> list[str]:
    """Every text in nested builtins."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (*_texts(key), *_texts(item))]
    return [text for item in value for text in _texts(item)] if isinstance(value, list | tuple) else []
