"""Taking a model of the Hub, or of a folder, into the catalog that no plugin has a card for.

`hub:owner/name[@revision]`: the commit is pinned, the configuration read, the plugin that claims it found. Nothing but
safetensors is taken, and nothing from a repository that asks for code of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from zoo import hub_models
from zoo.aliases import aliases
from zoo.card import Card, HubSource, WeightsFile
from zoo.catalog import Catalog
from zoo.errors import DownloadFailed, OptionInvalid, PluginBroken, StoreInvalid, Unsupported
from zoo.fetch import OnProgress, ShouldStop, fetch
from zoo.fetch.hub import HubRepository, describe, read_files
from zoo.fetch.verify import digest_of
from zoo.hub_models import CONFIG, HubModel
from zoo.hub_reference import is_reference, parse_reference
from zoo.paths import runs_folder
from zoo.plugins import Plugin, load_plugins
from zoo.readme_tags import PRIVATE_ROWS, tags_of

DOCUMENT_BYTES = 1_000_000
DOCUMENTS = 24
CODE_KEYS = ("auto_map", "custom_pipelines")
"""Entries of configurations that name code in the repository."""
UNSAFE = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".pkl")
"""End the names of weights that may hold code."""
NO_CODE = "zoo never runs code from model repositories"


def adopt(reference: str) -> Card:
    """Put a model into the catalog, its weights still where they are; one that is there already is found.

    One that its plugin does not take any more goes to the plugin that does, under its name.

    Args:
        reference: `hub:owner/name`, or with `@` and a branch, tag or commit; or the address of its page.

    Raises:
        OptionInvalid: it is no such reference.
        DownloadFailed: the Hub cannot be asked, or does not show it.
        Unsupported: no plugin can serve it, it has no safetensors, or it asks for code of its own.
    """
    parsed = parse_reference(reference)
    repository = describe(parsed.repository, parsed.revision)
    pinned = (repository.name, repository.commit)
    before = next((model for model in hub_models.saved() if (model.repository, model.revision) == pinned), None)
    if before is not None and (card := _card_named(f"{before.plugin}/{before.name}")) is not None:
        return card
    source = HubSource(repository=repository.name, revision=repository.commit)
    model = _model_of(repository, lambda names: read_files(source, list(names), DOCUMENT_BYTES), before)
    return save_claimed(msgspec.structs.replace(model, repository=repository.name, revision=repository.commit))


def adopt_folder(path: Path) -> Card:
    """Put a model into the catalog that stands in a folder which is laid out like a repository of the Hub.

    The files stay where they are; each counts by its digest. A folder that was put there before is looked at anew.

    Args:
        path: of the folder.

    Raises:
        OptionInvalid: there is no such folder.
        StoreInvalid: a file of it cannot be read.
        Unsupported: no plugin can serve it, it has no safetensors, or it asks for code of its own.
    """
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        raise OptionInvalid(f"there is no folder {path}", "name one with config.json and safetensors in it")
    before = _saved_of(folder)
    try:
        model = _model_of(
            _described_folder(folder), lambda names: {name: (folder / name).read_bytes() for name in names}, before
        )
    except OSError as error:
        raise StoreInvalid(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error
    return save_claimed(msgspec.structs.replace(model, folder=str(folder)))


def _card_named(full_name: str) -> Card | None:
    """The card of the catalog; None where the plugin that had claimed a model does not take it any more."""
    return next((card for card in Catalog.load().cards if card.full_name == full_name), None)


def _saved_of(folder: Path) -> HubModel | None:
    """What was written down of a folder; a single file of it may be a model, too."""
    of_folder = (model for model in hub_models.saved() if model.folder == str(folder))
    return next((model for model in of_folder if any(file.name == CONFIG for file in model.files)), None)


def _described_folder(folder: Path) -> HubRepository:
    """What a folder holds; digests of all files of a model, which takes as long as reading them."""
    paths = [path for pattern in ("*", "*/*") for path in sorted(folder.glob(pattern)) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in paths if not path.name.startswith(".")}
    return HubRepository(
        name=str(folder),
        commit="",
        files=tuple(
            WeightsFile(
                name=name,
                size_bytes=path.stat().st_size,
                sha256=None if name.endswith(UNSAFE) else digest_of(path),
            )
            for name, path in names.items()
        ),
        tags=_tags_in(folder),
        parameters=None,
        license="",
        languages=(),
    )


def _tags_in(folder: Path) -> tuple[str, ...]:
    """Those that its README states, as the Hub does of a repository."""
    readme = folder / "README.md"
    return tags_of(readme.read_text(encoding="utf-8", errors="replace")) if readme.is_file() else ()


def _model_of(
    repository: HubRepository, read: Callable[[Sequence[str]], Mapping[str, bytes]], before: HubModel | None = None
) -> HubModel:
    """What is kept of a model, its place and its plugin still open.

    Args:
        repository: what it holds.
        read: gives the content of files by their names.
        before: what was kept of the same model earlier.

    Raises:
        Unsupported: it is not safe, or damaged.
    """
    _refuse_unsafe(repository)
    return HubModel(
        name=before.name if before else _new_name(repository),
        plugin="",
        files=repository.files,
        documents=_documents(repository, read),
        parameters=repository.parameters,
        license=repository.license,
        languages=repository.languages,
        private=PRIVATE_ROWS in repository.tags,
    )


def save_claimed(model: HubModel) -> Card:
    """The card of the plugin that claims a model, after it was written down.

    Raises:
        Unsupported: none does, several do, or the one that does cannot serve it.
        PluginBroken: its card names no files.
    """
    plugin, card = _claimed(model)
    hub_models.save(msgspec.structs.replace(model, plugin=plugin.name))
    return msgspec.structs.replace(card, plugin=plugin.name)


def adopt_alias(name: str, catalog: Catalog) -> Card | None:
    """Put the model of the Hub that another name stands for into the catalog, unless it is there.

    Args:
        name: as a person typed it.
        catalog: all models.

    Returns:
        Its card; None where the name stands for no model of the Hub.

    Raises:
        DownloadFailed: see `adopt`; says what the name stands for, and how it can stand for another.
        Unsupported: likewise.
    """
    reference = aliases().get(name, "")
    if not is_reference(reference) or any(name == card.name for card in catalog.cards):
        return None
    if card := catalog.of_repository(parse_reference(reference).repository):
        return card
    try:
        return adopt(reference)
    except (DownloadFailed, Unsupported) as error:
        other = f"zoo alias {name} MODEL lets the name stand for another model"
        message = f"{name} stands for {reference}, which is not here: {error.message}"
        raise type(error)(message, "; ".join(filter(None, (error.hint, other)))) from error


def bring(card: Card, on_progress: OnProgress, should_stop: ShouldStop | None = None) -> str:
    """Fetch the weights, though an alternative may be here; pin files of the Hub that had no digest in the catalog.

    Returns:
        The folder they stand in.

    Raises:
        DownloadFailed, ChecksumMismatch, RunCancelled: see `zoo.fetch.fetch`.
    """
    assert card.weights is not None
    folder = fetch(card.weights, on_progress=on_progress, should_stop=should_stop, upgrade=True)
    model = next((one for one in hub_models.saved() if f"{one.plugin}/{one.name}" == card.full_name), None)
    if model is None or all(file.sha256 for file in card.weights.files):
        return str(folder)
    names = {file.name for file in card.weights.files}

    def pinned(file: WeightsFile) -> WeightsFile:
        if file.sha256 or file.name not in names:
            return file
        path = folder / file.name
        return msgspec.structs.replace(file, sha256=digest_of(path), size_bytes=path.stat().st_size)

    hub_models.save(msgspec.structs.replace(model, files=tuple(map(pinned, model.files))))
    return str(folder)


def _refuse_unsafe(repository: HubRepository) -> None:
    names = [file.name for file in repository.files]
    if "custom_code" in repository.tags:
        raise Unsupported(f"{repository.name} asks for code of its own to be run", NO_CODE)
    if not any(name.endswith(".safetensors") for name in names):
        others = [name for name in names if name.endswith(UNSAFE)]
        has = f"; it has {', '.join(others[:3])}" if others else ""
        hint = "other files of weights may hold code"
        if packed := [name for name in names if name.endswith(".gguf")]:
            has, hint = f"; it has {', '.join(packed[:3])}", "download one of these, then: zoo pull FILE.gguf"
        raise Unsupported(f"{repository.name} has no safetensors{has}", hint)
    if CONFIG not in names:
        raise Unsupported(f"{repository.name} has no {CONFIG}", "nothing tells what kind of model it is")


def _documents(repository: HubRepository, read: Callable[[Sequence[str]], Mapping[str, bytes]]) -> dict[str, Any]:
    """The content of the configuration files, none of which may ask for code."""
    names = [CONFIG, *sorted({file.name for file in repository.files if _is_document(file)} - {CONFIG})][:DOCUMENTS]
    documents = {}
    for name, content in read(names).items():
        try:
            documents[name] = msgspec.json.decode(content)
        except (UnicodeError, msgspec.DecodeError, RecursionError) as error:
            raise Unsupported(f"{name} of {repository.name} is not JSON", "the repository is damaged") from error
        for what in _remote_code(name, documents[name]):
            raise Unsupported(f"{name} of {repository.name} asks for code of its own to be run: {what}", NO_CODE)
    if not isinstance(documents[CONFIG], dict):
        raise Unsupported(f"{CONFIG} of {repository.name} is not a JSON object", "the repository is damaged")
    return documents


def _is_document(file: WeightsFile) -> bool:
    path = PurePosixPath(file.name)
    is_config = path.name.endswith("config.json") or path.name.startswith("config_") or path.name == "modules.json"
    is_small = file.size_bytes is not None and file.size_bytes <= DOCUMENT_BYTES
    return path.suffix == ".json" and is_config and is_small and len(path.parts) <= 2


def _remote_code(name: str, document: object) -> Iterator[str]:
    """Entries that name code outside of the libraries."""
    if isinstance(document, dict):
        yield from (key for key in CODE_KEYS if document.get(key))
    if PurePosixPath(name).name == "modules.json" and isinstance(document, list):  # of sentence-transformers
        kinds = [str(module.get("type", "")) for module in document if isinstance(module, dict)]
        yield from (kind for kind in kinds if not kind.startswith("sentence_transformers."))


def _claimed(model: HubModel) -> tuple[Plugin, Card]:
    """The one plugin that claims a model, and its card.

    Raises:
        Unsupported: none does, several do, or the one that does cannot serve it.
        PluginBroken: its card names no files.
    """
    plugins = load_plugins()[0]
    claims = _claims(model, [one for one in plugins if not one.gives_way])
    claims = claims or _claims(model, [one for one in plugins if one.gives_way])
    if not claims:
        config = model.documents[CONFIG]
        kind = config.get("gguf", {}).get("architecture") or config.get("model_type", "none")
        raise Unsupported(
            f"no plugin knows the architecture of {model.origin} (model_type {kind!r})",
            "zoo plugins lists those that are installed",
        )
    if len(claims) > 1:
        names = [plugin.name for plugin, _ in claims]
        raise Unsupported(
            f"{model.origin} is claimed by {', '.join(names)}",
            f"choose one: ZOO_PLUGINS={names[0]}",
        )
    plugin, card = claims[0]
    if card.weights is None or not card.weights.files:
        raise PluginBroken(f"plugin {plugin.name} names no files for {model.origin}", "its author must mend it")
    return plugin, card


def _claims(model: HubModel, plugins: Iterable[Plugin]) -> list[tuple[Plugin, Card]]:
    """The plugins that claim a model, each with its card."""
    return [(plugin, card) for plugin in plugins if (card := hub_models.card_of(model, plugin))]


def _new_name(repository: HubRepository) -> str:
    """What the model can be called: as its repository, with the owner where that is taken, or with the commit, too; or
    as its folder, with a number where that is taken.
    """
    if not repository.commit:
        stem = plain_name(Path(repository.name).name)
        return unused_name(chain([stem], (f"{stem}-{number}" for number in count(2))))
    owner, _, name = repository.name.partition("/")
    of_hub = (name, f"{owner}--{name}", f"{owner}--{name}-{repository.commit[:8]}", repository.commit)
    return unused_name(of_hub) or f"hub-{repository.commit}"


def plain_name(text: str) -> str:
    """The name of a file or folder as a model can have it, with dashes for other characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or "model"


def unused_name(candidates: Iterable[str]) -> str:
    """The first of some names that a model can have and none has; empty where there is none."""
    names = {card.name.lower() for card in Catalog.load().cards} | {model.name.lower() for model in hub_models.saved()}
    for candidate in candidates:
        fits = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", candidate) and len(candidate) <= 120
        if fits and candidate.lower() not in names and not (runs_folder() / candidate).exists():
            return candidate
    return ""
