"""The README of a result: what it is, what it learnt from, how good it is, how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo import atomic
from zoo.blocks import Report
from zoo.hub_config import WEIGHTS
from zoo.kinds.spelling import distinct_names
from zoo.plurals import counted
from zoo.rendering.markdown import markdown, markdown_table
from zoo.runs.heads import BODY_FILE, HEAD_FILE
from zoo.runs.private_rows import are_private, without_rows
from zoo.runs.request import DataRequest, RunRequest, TeacherRequest
from zoo.runs.result import HEADS, ResultManifest
from zoo.runs.source_facts import SourceResult
from zoo.sanitize import one_line

README = "README.md"
_DIVIDED = (
    f"The weights are in two files here: `{BODY_FILE}`, which is that of the other heads, too, and `{HEAD_FILE}`. "
    f"`zoo export` writes this head as a folder with one file, the `{WEIGHTS}` that is read below."
)
"""What is said of a head among several, where the plugin says how its weights are read."""


def write_readme(
    folder: Path, manifest: ResultManifest, request: RunRequest, *, rows: tuple[int, int], report: Report
) -> None:
    """Write `README.md`; what the plugin's export wrote there (how to load the folder without zoo) is kept at its end.

    Args:
        folder: the model folder.
        manifest: what the result is.
        request: what was asked for.
        rows: usable training and evaluation rows.
        report: of the final evaluation.
    """
    path = folder / README
    from_plugin = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = [
        f"# {manifest.name}",
        f"{manifest.parent}, {_VERBS[manifest.verb]} for {manifest.task} with zoo.",
        _evaluation(manifest),
        markdown(without_rows(request, report)),
        _table(
            "Data",
            [
                *([("file", Path(request.data.path).name)] if request.data.path else []),
                *(
                    [("clients", str(number))]
                    if request.federation and (number := request.federation.client_count)
                    else []
                ),
                *([("sha256", digest)] if (digest := told_digest(request, request.data)) else []),
                *((f"column of the {role}s", name) for role, name in manifest.columns.items()),
                ("evaluation", Path(request.data.eval_path).name if request.data.eval_path else "a held-out share"),
                ("training rows", f"{rows[0]:,}"),
                ("evaluation rows", f"{rows[1]:,}"),
                *([("teacher", _teaching(request.teacher))] if request.teacher else []),
            ],
        ),
        "## Labels\n\n" + ", ".join(map(code, distinct_names(manifest.labels).values())) if manifest.labels else "",
        "## Use\n\n```\n" + f"zoo predict {manifest.name} ..." + "\n```",
        _DIVIDED if WEIGHTS in from_plugin and (folder / HEAD_FILE).exists() else "",
        from_plugin.strip(),
        _table("Options", [(name, str(value)) for name, value in manifest.options.items()]),
        _table("Versions", list(manifest.versions.items())),
    ]
    atomic.write_text(path, "\n\n".join(part for part in parts if part) + "\n")


def settle_exported_readme(folder: Path) -> None:
    """Let the README of a head that was exported say of its files what is true of a folder of its own."""
    path = folder / README
    if path.exists() and _DIVIDED in (text := path.read_text(encoding="utf-8")):
        atomic.write_text(path, text.replace(f"{_DIVIDED}\n\n", ""))


def write_readme_of_heads(
    folder: Path,
    manifest: ResultManifest,
    request: RunRequest,
    *,
    rows: Sequence[tuple[int, int]],
    results: Sequence[SourceResult],
    report: Report = (),
) -> None:
    """Write `README.md` of a result with several heads: what they are, what each learnt from, and where they are.

    Args:
        folder: the model folder.
        manifest: what the result is.
        request: what was asked for.
        rows: usable training and evaluation rows of each source.
        results: what came of each source.
        report: on all sources together.
    """
    headers = ("head", "task", "learnt", "figures", "best step of its own", "folder")
    by_name = {result.name: result for result in results}
    before = {source.name for source in request.kept}
    heads = [
        (
            head.name,
            head.task,
            "before" if head.name in before else _VERBS[head.verb],
            _figures(head.metrics),
            f"{result.best_step}: {_figures(result.best_metrics)}" if result and result.best_step else "",
            f"`{HEADS}/{head.name}`",
        )
        for head in manifest.heads
        for result in [by_name.get(head.name)]
    ]
    sources = [(source.name, source.data, source.weight) for source in request.sources]
    data = [
        (name, Path(of_data.path).name, told_digest(request, of_data), f"{train:,}", f"{held_out:,}", f"{weight:g}")
        for (name, of_data, weight), (train, held_out) in zip(
            sources or [(request.head, request.data, 1.0)], rows, strict=True
        )
    ]
    of_data = ("source", "file", "sha256", "training rows", "evaluation rows", "weight")
    parts = [
        f"# {manifest.name}",
        f"{_origin(manifest, request)} Each folder is whole in itself; files that are the same in several are one on "
        "disk.",
        f"## Heads\n\n{markdown_table(headers, heads)}",
        markdown(without_rows(request, report)),
        f"## Data\n\n{markdown_table(of_data, data)}",
        "## Use\n\n```\n"
        + "\n".join(f"zoo predict {manifest.name}.{head.name} ..." for head in manifest.heads)
        + "\n```",
        _table("Options", [(name, str(value)) for name, value in manifest.options.items()]),
        _table("Versions", list(manifest.versions.items())),
    ]
    atomic.write_text(folder / README, "\n\n".join(part for part in parts if part) + "\n")


def _origin(manifest: ResultManifest, request: RunRequest) -> str:
    """Where several heads come from."""
    heads = f"{counted(len(manifest.heads), 'head')} on one body"
    if not request.kept:
        return f"{manifest.parent}, with {heads}, trained together with zoo."
    learnt = ", ".join([request.head] if request.head else [source.name for source in request.sources])
    return (
        f"{heads}. Learnt with zoo on the body of {manifest.parent}, which stayed as it was: {learnt}. "
        "The other heads are those that were there before."
    )


_VERBS = {"pretrain": "pretrained", "finetune": "fine-tuned", "federate": "fine-tuned by clients that kept their data"}


def _evaluation(manifest: ResultManifest) -> str:
    """The figures of a result, with their intervals where there are any."""
    if not manifest.intervals:
        return _table("Evaluation", [(name, f"{value:.4f}") for name, value in manifest.metrics.items()])
    rows = [
        (name, f"{value:.4f}", " to ".join(f"{end:.4f}" for end in manifest.intervals.get(name, ())))
        for name, value in manifest.metrics.items()
    ]
    return f"## Evaluation\n\n{markdown_table(('', '', '95% interval'), rows)}"


def told_digest(request: RunRequest, data: DataRequest) -> str:
    """The digest of data; none of those that are private: it would tell whether a row is among others known.

    Args:
        request: of the run that they are of.
        data: of it.
    """
    return "" if are_private(request) else data.sha256


def _teaching(teacher: TeacherRequest) -> str:
    targets = f"{teacher.share:g} of the loss" if teacher.labelled else "the data have no targets"
    return f"{teacher.model}, {targets}, temperature {teacher.temperature:g}"


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    return f"## {title}\n\n{markdown_table(('', ''), rows)}"


def _figures(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{one_line(name)} {value:.4f}" for name, value in metrics.items())


def code(label: str) -> str:
    """A label as code, whatever marks it holds itself."""
    return f"`{one_line(label).replace('`', chr(39))}`"
