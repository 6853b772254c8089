"""Every model there is: the cards of all plugins, models pulled from the Hub, the results of the user's own runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from zoo import hub_models
from zoo.aliases import aliases
from zoo.card import Card, FolderSource, HubSource, ModelName, Verb, Weights, WheelSource
from zoo.errors import OptionInvalid, UnknownModel
from zoo.hub_reference import is_reference, parse_reference
from zoo.paths import RUN_NAME, runs_folder
from zoo.plugins import Plugin, PluginFailure, load_plugins
from zoo.plurals import with_article
from zoo.ranking import ordered, rank
from zoo.runs.result import HEADS, MANIFEST, HeadResult, ResultManifest
from zoo.suggestions import did_you_mean
from zoo.tasks import get_task

_MANIFEST_DECODER = msgspec.json.Decoder(ResultManifest)


class Catalog(msgspec.Struct, frozen=True):
    """All models at one moment."""

    cards: tuple[Card, ...]
    """What is recommended first, then results of runs (newest first), other pretrained models, those that start from
    scratch, demonstrations; see `zoo.ranking`."""
    failures: tuple[PluginFailure, ...] = ()
    """Plugins that could not be used."""
    problems: tuple[str, ...] = ()
    """Models of the Hub and results of runs that could not be read, one line each."""

    @classmethod
    def load(cls) -> Catalog:
        """Ask every plugin for its cards, and look through what was pulled and what was trained."""
        return cls.of(*load_plugins())

    @classmethod
    def of(cls, plugins: Sequence[Plugin], failures: tuple[PluginFailure, ...]) -> Catalog:
        """The same, of plugins that are loaded already."""
        cards = [card for plugin in plugins for card in plugin.cards]
        pulled, hub_problems = hub_models.cards(plugins, failures)
        names = {card.full_name for card in cards}
        hub_problems += [
            f"{card.full_name} of the Hub has the name of a model of its plugin"
            for card in pulled
            if card.full_name in names
        ]
        cards += [card for card in pulled if card.full_name not in names]
        results, problems = _results({card.full_name: card for card in cards})
        return cls(tuple(ordered((*cards, *results))), failures, (*hub_problems, *problems))

    def search(self, words: str = "", *, task: str = "", plugin: str = "", local: bool = False) -> tuple[Card, ...]:
        """Cards that match everything given: those whose name matches before others, then in the order of `cards`.

        Args:
            words: each must occur in the name, family, summary, tasks, plugin or labels, whatever its case.
            task: what the model can be used or trained for; those recommended for it come first.
            plugin: the owner.
            local: only those whose weights are on this machine.
        """
        needles = words.lower().split()
        matching = (
            card
            for card in self.cards
            if (not task or task in card.tasks)
            and (not plugin or plugin == card.plugin)
            and all(needle in _haystack(card) for needle in needles)
            and (not local or is_local(card))
        )
        return tuple(ordered(matching, needles, task))

    def taking(self, kind: str, verb: Verb) -> list[tuple[Card, str]]:
        """Models that have a verb for a kind of input, each with its task; recommended ones first, then those here."""
        fitting = [
            (card, tasks[0])
            for card in self.cards
            if (tasks := [task for task in card.tasks_of(verb) if get_task(task).input.name == kind])
            and (verb != "predict" or card.weights is not None)
        ]
        return sorted(fitting, key=lambda pair: (rank(*pair), not is_local(pair[0])))

    def resolve(self, name: str) -> Card:
        """The card of that name: exactly, as `plugin/name`, as `zoo.aliases` has it, or as the only one that begins so.

        Raises:
            UnknownModel: there is none, or more than one; the nearest names are offered.
        """
        if not isinstance(name, str):
            raise UnknownModel(
                f"a model is named by text, not by {with_article(type(name).__name__)}",
                "zoo.models() has them all, each with a name",
            )
        exact = [card for card in self.cards if name in (card.name, card.full_name)]
        if not exact and (model := aliases().get(name)):
            return self._aliased(name, model)
        for matches in (
            exact,
            [card for card in self.cards if name and (card.name.startswith(name) or card.full_name.startswith(name))],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                names = distinct_names(ordered(matches, [name.lower()]))
                raise UnknownModel(f"{name!r} may be any of {', '.join(names[:8])}", f"say which, such as {names[0]}")
        if RUN_NAME.fullmatch(name) and (runs_folder() / name / "run.json").exists():
            raise UnknownModel(
                f"run {name} has left no model", f"zoo why {name} says what became of it; zoo ls lists the models"
            )
        raise UnknownModel(f"there is no model {name!r}", self._advice(name))

    def heads(self, name: str) -> tuple[Card, ...]:
        """The heads of the result of that name, or of the only one that begins so; none where it names a model."""
        if not isinstance(name, str) or not name or name in aliases():
            return ()
        if any(name in (card.name, card.full_name) for card in self.cards):
            return ()
        beginning = [card for card in self.cards if card.name.startswith(name) or card.full_name.startswith(name)]
        results = list(map(result_of_head, beginning))
        exact = [
            card
            for card, result in zip(beginning, results, strict=True)
            if result and name in (result, f"{card.plugin}/{result}")
        ]
        if exact:
            return tuple(exact)
        of_one = len(beginning) > 1 and len(set(results)) == 1 and results[0] != ""
        return tuple(beginning) if of_one and len(name.rpartition("/")[2]) <= len(results[0]) else ()

    def _aliased(self, name: str, model: str) -> Card:
        """The card that another name stands for.

        Raises:
            UnknownModel: it is not in the catalog.
        """
        if is_reference(model):
            card = self.of_repository(parse_reference(model).repository)
        else:
            card = next((one for one in self.cards if model in (one.name, one.full_name)), None)
        if card is None:
            bring = f"zoo pull {name} brings it" if is_reference(model) else f"zoo alias {name} MODEL chooses another"
            raise UnknownModel(f"{name} stands for {model}, which is not here", bring)
        return card

    def may_be_of_hub(self, name: str) -> bool:
        """Whether an unknown name can be that of a model of the Hub: an address, or `owner/name` of no plugin's."""
        if is_reference(name):
            return True
        plugins = {*(card.plugin for card in self.cards), *(failure.name for failure in self.failures)}
        try:
            return parse_reference(name).repository.partition("/")[0] not in plugins
        except OptionInvalid:
            return False

    def _advice(self, name: str) -> str:
        names = sorted({n for card in self.cards for n in (card.name, card.full_name)})
        of_hub = self._advice_on_hub(name) if self.may_be_of_hub(name) else ""
        near = did_you_mean(name, names, limit=3, cutoff=0.8 if of_hub else 0.5)
        advice = " ".join(filter(None, (near, of_hub))) or "zoo ls lists the models"
        of_name = (problem for problem in self.problems if f"model {name} " in problem or f"run {name} " in problem)
        advice = next(of_name, advice)
        return "; ".join([advice, *([f"plugins that failed to load: {broken}"] if (broken := self.broken) else [])])

    @property
    def broken(self) -> str:
        """The plugins that could not be used, each with its error; empty where there are none."""
        return "; ".join(f"{failure.name} ({failure.error})" for failure in self.failures)

    def _advice_on_hub(self, name: str) -> str:
        """The model of the catalog that comes from the repository of that name, else how to bring one."""
        try:
            reference = parse_reference(name)
        except OptionInvalid as error:
            return error.message
        if card := self.of_repository(reference.repository):
            return f"{reference.repository} of the Hub is called {card.name} here"
        return f"zoo pull {reference} brings it from the Hub, if a plugin knows its architecture"

    def of_repository(self, repository: str) -> Card | None:
        """The model whose weights come from that repository of the Hub; None where there is none."""
        return next((card for card in self.cards if repository.lower() in _repositories(card)), None)

    def of_package_index(self, card: Card) -> Card | None:
        """Other weights of the same network, which come from the package index; None where there are none."""
        for other in self.cards:
            sources = other.weights.sources if other.weights else ()
            is_of_index = any(isinstance(one, WheelSource) for one in sources)
            if is_of_index and (other.plugin, other.superseded_by) == (card.plugin, card.name):
                return other
        return None

    @property
    def repositories(self) -> frozenset[str]:
        """Those of the Hub that models come from, in lower case."""
        return frozenset(repository for card in self.cards for repository in _repositories(card))


def _repositories(card: Card) -> list[str]:
    """Those of the Hub that its weights come from, in lower case."""
    sources = card.weights.sources if card.weights else ()
    return [source.repository.lower() for source in sources if isinstance(source, HubSource)]


def is_local(card: Card) -> bool:
    """Whether the model can be used without any download."""
    return local_weights(card) is not None


def local_weights(card: Card) -> Weights | None:
    """The weights of a model that would be used now, which may be an alternative; None where none are here."""
    from zoo.fetch import locate

    folder = locate(card.weights) if card.weights is not None else None
    return card.weights.in_folder(folder) if card.weights is not None and folder is not None else None


def _haystack(card: Card) -> str:
    return " ".join((card.full_name, card.family, card.summary, *card.tasks, *card.labels)).lower()


def distinct_names(cards: Iterable[Card]) -> list[str]:
    """Bare names where they tell the cards apart, full ones where they do not."""
    bare = [card.name for card in cards]
    return [card.full_name if bare.count(card.name) > 1 else card.name for card in cards]


def result_of_head(card: Card) -> str:
    """Name of the result that a model is one of the heads of; empty for all other models."""
    result, _, head = card.name.rpartition(".")
    folder = FolderSource(path=str(runs_folder() / result / "model" / HEADS / head))
    return result if result and card.weights is not None and folder in card.weights.sources else ""


def _results(bases: dict[str, Card]) -> tuple[list[Card], list[str]]:
    cards, problems = [], []
    for path in sorted(runs_folder().glob(f"*/model/{MANIFEST}"), key=_modified_at, reverse=True):
        name = path.parent.parent.name
        try:
            msgspec.convert(name, ModelName)
            manifest = _MANIFEST_DECODER.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeError) as error:
            problems.append(f"the result of run {name} cannot be read: {error}")
            continue
        base = bases.get(f"{manifest.plugin}/{manifest.base}")
        if f"{manifest.plugin}/{name}" in bases:
            problems.append(
                f"run {name} has the name of a model of plugin {manifest.plugin}: rename {path.parent.parent}"
            )
        elif base is not None:  # otherwise its plugin is missing or broken, which is reported elsewhere
            cards += result_cards(manifest, base, path.parent)
    return cards, problems


def _modified_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # removed meanwhile; reading it will report that


_LEARNT = {"pretrain": "pretrained", "finetune": "fine-tuned", "federate": "fine-tuned by clients"}
"""How a verb is said of what it has made."""


def result_cards(manifest: ResultManifest, base: Card, folder: Path) -> list[Card]:
    """The model that a run has made, or those that its heads are.

    Args:
        manifest: of the result.
        base: whose architecture and abilities it shares.
        folder: of the result, in that of the run.
    """
    if not manifest.heads:
        return [_result_card(folder.parent.name, manifest, manifest, base, folder)]
    return [
        _result_card(f"{folder.parent.name}.{head.name}", head, manifest, base, folder / HEADS / head.name)
        for head in manifest.heads
    ]


def _result_card(
    name: str, result: ResultManifest | HeadResult, manifest: ResultManifest, base: Card, folder: Path
) -> Card:
    shrunk, ability = manifest.shrunk, base.ability_of_result(result.task)
    only_answers = shrunk is not None and not shrunk.trainable
    others = [] if only_answers else [one for one in base.abilities if one.verb != "predict"]
    if shrunk:  # it answers as it was judged
        ability = msgspec.structs.replace(ability, preferred_precision=shrunk.precision)
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in result.metrics.items())
    verb = _LEARNT.get(result.verb, result.verb)
    if shrunk:
        verb = f"made smaller ({shrunk.format})"
    return msgspec.structs.replace(
        base,
        name=name,
        task=result.task,
        summary=f"{manifest.parent}, {verb}" + (f": {metrics}" if metrics else ""),
        abilities=(*others, ability),
        recommended_for=(),
        superseded_by="",
        parameters=manifest.parameters if result.parameters is None else result.parameters,
        weights=Weights(files=result.files, sources=(FolderSource(path=str(folder)),)),
        labels=result.labels,
        columns=result.columns,
        shrunk_from=manifest.parent if only_answers else "",
        metrics=(),
    )
