"""Models that were pulled without a card, of the Hub or a folder: a file each, from which the plugin makes its card."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.card import Card, Commit, Count, FolderSource, HubSource, ModelName, Repository, Weights, WeightsFile
from zoo.disk import cause_of
from zoo.errors import StoreInvalid, ZooError
from zoo.paths import hub_models_folder
from zoo.plugins import Plugin, PluginFailure

CONFIG = "config.json"


class HubModel(msgspec.Struct, frozen=True, kw_only=True):
    """What the Hub says of a model at one commit, or what a folder laid out like a repository has, or a GGUF file."""

    name: ModelName
    """In the catalog."""
    plugin: str
    """The one that claimed it."""
    repository: Repository | None = None
    """None for one that is on this machine."""
    revision: Commit | None = None
    folder: str = ""
    """Absolute path, that of a GGUF file being where it stands; empty for one of the Hub."""
    files: tuple[WeightsFile, ...]
    documents: dict[str, Any]
    """Content of the small configuration files, by name; `config.json` is among them."""
    parameters: Count | None = None
    license: str = ""
    languages: tuple[str, ...] = ()
    private: bool = False
    """Whether it says of itself that it learnt from private rows, see `zoo.readme_tags`."""
    v: int = 1

    @property
    def weights(self) -> Weights:
        """All files, from the pinned commit or the folder."""
        if self.repository is None or self.revision is None:
            return Weights(files=self.files, sources=(FolderSource(path=self.folder),))
        return Weights(files=self.files, sources=(HubSource(repository=self.repository, revision=self.revision),))

    @property
    def reference(self) -> str:
        """What zoo pull takes to look at the same files again."""
        return f"hub:{self.repository}@{self.revision}" if self.repository else self.origin

    @property
    def origin(self) -> str:
        """The repository, the folder, or the one file, as messages name it."""
        return self.repository or str(Path(self.folder, *(file.name for file in self.files if len(self.files) == 1)))


def card_of(model: HubModel, plugin: Plugin) -> Card | None:
    """The card that a plugin makes of a model, with what the Hub states of it; None where it does not claim it.

    Raises:
        Unsupported: the plugin cannot serve it.
        PluginBroken: the plugin's hook failed, or asks for files that are not in the repository.
    """
    card = plugin.card_for(model.name, model.documents[CONFIG], model.weights, model.documents)
    if card is None:
        return None
    names = {file.name for file in card.weights.files} if card.weights else set()
    return msgspec.structs.replace(
        card,
        name=model.name,
        weights=msgspec.structs.replace(model.weights, files=tuple(file for file in model.files if file.name in names)),
        parameters=card.parameters if card.parameters is not None else model.parameters,
        license=card.license or model.license,
        languages=card.languages or model.languages,
        source_url=card.source_url or (f"https://huggingface.co/{model.repository}" if model.repository else ""),
    )


def cards(plugins: Iterable[Plugin], failures: Iterable[PluginFailure]) -> tuple[list[Card], list[str]]:
    """The cards of all models that were pulled, and what is wrong with the others, one line each."""
    by_name = {plugin.name: plugin for plugin in plugins}
    broken = {failure.name for failure in failures}
    usable, problems = [], []
    for path in sorted(hub_models_folder().glob("*.json")):
        try:
            model = _read(path)
            if model.plugin in broken:
                continue  # reported with the plugin
            plugin = by_name.get(model.plugin)
            card = card_of(model, plugin) if plugin else None
        except ZooError as error:
            problems.append(f"pulled model {path.stem} cannot be used: {error.message}")
            continue
        if card is not None:
            usable.append(card)
        elif plugin is not None:
            problems.append(
                f"pulled model {path.stem} is not taken by plugin {plugin.name} any more; "
                f"zoo pull {model.reference} finds the one that takes it"
            )
        else:
            problems.append(f"pulled model {path.stem} needs the plugin {model.plugin} that it was pulled with")
    return usable, problems


def saved() -> tuple[HubModel, ...]:
    """Every model that was pulled and whose file can be read."""
    models = []
    for path in sorted(hub_models_folder().glob("*.json")):
        try:
            models.append(_read(path))
        except StoreInvalid:
            continue  # the catalog reports it
    return tuple(models)


def is_private(card: Card) -> bool:
    """Whether a model that was pulled says of itself that it learnt from private rows."""
    return any(model.private and model.name == card.name for model in saved())


def save(model: HubModel) -> None:
    """Write a model down.

    Raises:
        StoreInvalid: it cannot be written.
    """
    path = hub_models_folder() / f"{model.name}.json"
    try:
        atomic.write_bytes(path, msgspec.json.format(msgspec.json.encode(model)))
    except OSError as error:
        cause = cause_of(error, path)
        raise StoreInvalid(f"{model.name} cannot be noted down: {cause.reason}", cause.hint) from error


def _read(path: Path) -> HubModel:
    try:
        model = msgspec.json.decode(path.read_bytes(), type=HubModel)
        if model.name != path.stem or not isinstance(model.documents.get(CONFIG), dict):
            raise StoreInvalid(f"{path} is not the file of a model called {path.stem}", "remove it")
    except (OSError, UnicodeError, msgspec.DecodeError) as error:
        raise StoreInvalid(f"{path} cannot be read: {error}", "remove it, and pull the model again") from error
    return model
