"""Write the reference pages from the code: `uv run docs/generate.py`; with `--check`, say which are stale.

What they tell is read from the declarations themselves: argparse parsers, option sets, and the source of hooks and
public names with their docstrings.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
import runpy
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo_bert import options as bert
from zoo_echo import plugin as echo
from zoo_resnet import options as resnet

import zoo
import zoo.training
from zoo import hookspecs
from zoo.card import VERBS
from zoo.cli.commands import GROUPS
from zoo.cli.parser import new_parser
from zoo.options import Options, schema
from zoo.runs import context
from zoo.tasks import BUILT_IN, get_task
from zoo.testing import answering, conformance, description, interruption, learning, leaving, plugin_hooks, subject

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by docs/generate.py; change what it reads. -->\n\n"
SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$")
Node = ast.ClassDef | ast.FunctionDef
TRAINING = {
    "zoo.training": ("Objective", "Output", "Body", "Linear", "linear", "onednn_is_faster", "Dropout", "prefetched"),
    "zoo.training.head": ("HeadConfig",),
    "zoo.training.objectives": (
        "build_objective",
        "pooled_objective",
        "PooledObjective",
        "Classification",
        "LabelSets",
        "Regression",
        "MaskedLanguageModelling",
        "Contrastive",
    ),
    "zoo.training.images": (
        "ImageBody",
        "ImageConfig",
        "Preprocessing",
        "HeadPredictor",
        "FeaturePredictor",
        "ImageStore",
    ),
    "zoo.training.text": ("TextBody", "TextPredictor", "AnsweringNetwork", "CausalBody", "GeneratingNetwork"),
    "zoo.training.packed_linear": ("LinearFactory",),
    "zoo.training.pretrained": ("WeightsReader", "fill", "save_config"),
    "zoo.training.transformers_network": ("read_config", "load_network"),
    "zoo.training.weights": ("state_of", "fill", "below"),
}
"""What plugins build on: module to public names."""
ARCHITECTURES = ROOT / "plugins" / "zoo-transformers" / "tests"
TEXT_TESTS = {
    "question-answering": "test_question_answering.py",
    "zero-shot-classification": "test_entailment.py",
    "text2text-generation": "test_sequence_to_sequence.py",
}
"""The files of tests that go through architectures for texts beside those that are trained, by what those answer."""
PICTURE_TESTS = {
    "image-classification": "test_images.py",
    "object-detection": "test_detectors.py",
    "image-segmentation": "test_segmenters.py",
    "zero-shot-image-classification": "test_contrast.py",
}
"""The files of tests that go through architectures for pictures, by what those answer."""


def architectures() -> str:
    """What the tests of zoo-transformers pull, ask and train."""
    texts = _tested("test_architectures.py")
    tasks = list(dict.fromkeys(task for tested, _ in texts.values() for task in tested))
    lines = [
        "# Architectures of the Hub",
        "",
        "The tests of `zoo-transformers` make a small model of each by transformers' own classes, pull it from a",
        "server shaped like the Hub, hold its answers to transformers' own, train it two steps for what can",
        "be trained, and load the result without zoo. Other architectures that transformers knows are taken, too.",
        "BERT is zoo-bert's, and GPT-2 and Llama are zoo-gpt's where they write.",
        "",
        f"| `model_type` | {' | '.join(tasks)} |",
        f"|---|{'---|' * len(tasks)}",
    ]
    for name, (tested, _) in texts.items():
        lines.append(f"| {name} | {' | '.join('yes' if task in tested else '' for task in tasks)} |")
    lines += ["", "Of texts, to be asked alone:", ""]
    lines += [f"- {task}: {', '.join(_tested(file))}" for task, file in TEXT_TESTS.items()]
    lines += ["", "Of pictures:", ""]
    lines += [f"- {task}: {', '.join(_tested(file))}" for task, file in PICTURE_TESTS.items()]
    return "\n".join(lines) + "\n"


def _tested(file: str) -> dict[str, Any]:
    """The architectures that a file of tests goes through."""
    return dict(runpy.run_path(str(ARCHITECTURES / file))["ARCHITECTURES"])


def cli() -> str:
    """Every command with its arguments."""
    lines = [
        "# Commands",
        "",
        "Every command also takes `-q` (say nothing but answers, warnings and errors), `-v` (say more) and `--help`.",
        "`zoo finetune MODEL --help` and its like show the options of that model, too; see [Options](options.md).",
    ]
    for title, commands in GROUPS.items():
        lines += ["", f"## {title.capitalize()}"]
        for name, (module, help_text) in commands.items():
            lines += ["", f"### zoo {name}", "", f"{help_text[0].upper()}{help_text[1:]}.", *_arguments(name, module)]
            for side in getattr(importlib.import_module(module), "SIDES", ()):
                lines += ["", f"#### zoo {name} {side}", *_arguments(name, module, [side])]
    return "\n".join(lines) + "\n"


def _arguments(name: str, module: str, words: Sequence[str] = ()) -> Iterator[str]:
    command = importlib.import_module(module)
    parser = new_parser(name, command, "")
    complete = getattr(command, "complete_parser", None)
    complete(parser, [*words]) if complete else command.add_arguments(parser)
    rows = [
        (_spelling(action), action.help % {"default": action.default} if action.help else "")
        for action in parser._actions
        if not {"-h", "-q", "-v"} & set(action.option_strings) and action.help != argparse.SUPPRESS
    ]
    if rows:
        yield from ("", "| argument | meaning |", "|---|---|")
        yield from (f"| `{spelling}` | {_cell(text)} |" for spelling, text in rows)


def _spelling(action: argparse.Action) -> str:
    """An argument as it is typed: `--name NAME`, `MODEL`, `[TEXT ...]`."""
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    if not action.option_strings:
        return {"?": f"[{value}]", "*": f"[{value} ...]", "+": f"{value} ..."}.get(str(action.nargs), str(value))
    flags = ", ".join(action.option_strings)
    return flags if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction) else f"{flags} {value}"


def options() -> str:
    """The option sets of the models that come with zoo."""
    text = [
        "# Options",
        "",
        "On the command line `--lr 5e-5`, in Python `lr=5e-5`. auto leaves a choice to the size of the data.",
    ]
    text += ["", "## Of every model that the engine trains", "", *_table(zoo.FinetuneOptions, set())]
    text += ["", "Pretraining has the same but for `method`, `lora_rank` and `lora_alpha`."]
    for verb in VERBS:
        tasks_by_set: dict[type[Options], list[str]] = {}
        for name in BUILT_IN:
            tasks_by_set.setdefault(get_task(name).options[verb], []).append(name)
        for options, names in tasks_by_set.items():
            if options.__struct_fields__:
                text += ["", f"## Of {' and '.join(names)}: {verb}", "", *_table(options, set())]
    for title, plugin, names in (
        ("Text models", zoo, ("TextFinetuneOptions", "TextPretrainOptions", "TextPredictOptions")),
        (
            "BERT, beside those of text models",
            bert,
            ("BertFinetuneOptions", "BertTaggingOptions", "BertPretrainOptions"),
        ),
        ("Models that generate texts", zoo, ("CausalFinetuneOptions", "CausalPretrainOptions", "CausalPredictOptions")),
        ("Image models", zoo, ("ImageFinetuneOptions", "ImagePretrainOptions", "ImagePredictOptions")),
        ("ResNet, beside those of image models", resnet, ("ResnetFinetuneOptions",)),
        ("Echo", echo, ("EchoOptions",)),
    ):
        for name in names:
            verb = "predict" if "Predict" in name else "pretrain" if "Pretrain" in name else "finetune"
            options: type[Options] = getattr(plugin, name)
            inherited = {option.name for base in options.__bases__ for option in schema(base)}
            text += ["", f"## {title}: {verb}", "", *_table(options, inherited)]
    return "\n".join(text) + "\n"


def _table(options: type[Options], without: set[str]) -> Iterator[str]:
    yield from ("| option | meaning | values | default |", "|---|---|---|---|")
    for option in schema(options):
        if option.name not in without:
            values = option.bounds or {"bool": "true, false", "str": "text"}.get(option.kind, "any number")
            unit = f" ({option.unit})" if option.unit else ""
            default = "auto" if option.default is None else str(option.default)
            yield f"| `{option.flag}` | {_cell(option.help)} | {_cell(values)}{unit} | {default} |"


def hooks() -> str:
    """The hooks of a plugin, with what they are given."""
    text = ["# Hooks", "", *_prose(hookspecs.__doc__ or "")]
    for node in ast.parse(inspect.getsource(hookspecs)).body:
        if isinstance(node, ast.FunctionDef):
            text += ["", f"## {node.name}", *_described(node)]
    text += ["", "# What hooks are given, and give back", "", *_prose(context.__doc__ or "")]
    for name in ("TrainingRun", "PredictionRun", "Trainable", "FitResult", "Predictor"):
        text += ["", f"## zoo.{name}", *_class(_find(context, name))]
    return "\n".join(text) + "\n"


def python() -> str:
    """Every public name."""
    text = ["# Python", "", "`import zoo` gives these names; it loads what is used, when it is used."]
    nodes = {name: _definition(getattr(zoo, name)) for name in zoo.__all__ if name != "__version__"}
    groups: dict[str, Callable[[str, Node | None], bool]] = {
        "Functions": lambda name, node: isinstance(node, ast.FunctionDef),
        "Errors": lambda name, node: _is_error(name),
        "Classes": lambda name, node: isinstance(node, ast.ClassDef),
        "Other names": lambda name, node: True,
    }
    described: set[str] = set()
    for title, belongs in groups.items():
        names = [name for name, node in nodes.items() if name not in described and belongs(name, node)]
        described.update(names)
        text += ["", f"## {title}"] if names else []
        for name in names:
            node = nodes[name]
            text += ["", f"### zoo.{name}"]
            text += [] if node is None else _class(node) if isinstance(node, ast.ClassDef) else _described(node)
            text += ["", OTHER[name]] if node is None else []
    return "\n".join(text) + "\n"


def training() -> str:
    """What plugins build on."""
    text = ["# For plugins: training and testing", "", *_prose(inspect.getdoc(zoo.training) or "")]
    for module, names in TRAINING.items():
        for name in names:
            node = _definition(getattr(importlib.import_module(module), name))
            assert node is not None
            text += ["", f"## {module}.{name}"]
            text += _class(node) if isinstance(node, ast.ClassDef) else _described(node)
    text += ["", "## zoo.training.Batch", "", "`dict[str, torch.Tensor]`: what `collate` makes and `losses` takes."]
    text += ["", "## zoo.testing.PluginConformance", *_class(_find(conformance, "PluginConformance"))]
    text += ["", "It has these attributes, and tests:", "", "| attribute | type | meaning |", "|---|---|---|"]
    text += _fields(_find(subject, "Subject"))
    text += ["", *_tests()]
    text += ["", "## zoo.testing.PluginHooks", *_class(_find(plugin_hooks, "PluginHooks"))]
    return "\n".join(text) + "\n"


def _tests() -> Iterator[str]:
    """The tests of the contract, their names as sentences."""
    for module in (description, learning, leaving, interruption, answering):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"- `{node.name}`"


OTHER = {
    "TEXT": "What goes into a model: texts; see `zoo.InputKind`.",
    "IMAGE": "What goes into a model: images; see `zoo.InputKind`.",
    "RECORDING": "What goes into a model: recordings of speech or other sounds; see `zoo.InputKind`.",
    "TRANSCRIPT": "What a model learns to tell: what is said in a recording; see `zoo.TargetKind`.",
    "LABEL": "What a model learns to tell: one of several labels; see `zoo.TargetKind`.",
    "COMPLETION": "What a model learns to write: the text that follows a prompt, if the data have any; see "
    "`zoo.TargetKind`.",
    "PROMPT": "What a model goes on with: a text, or a list of messages, dicts with `role` and `content`; see "
    "`zoo.InputKind`.",
    "BOXES": "What a model learns to tell: boxes around things; see `zoo.TargetKind`.",
    "LABELS": "What a model learns to tell: sets of labels; see `zoo.TargetKind`.",
    "MASK": "What a model learns to tell: a class for each pixel of a picture; see `zoo.TargetKind`.",
    "NUMBER": "What a model learns to tell: numbers; see `zoo.TargetKind`.",
    "SPANS": "What a model learns to tell: parts of a text, each with a label; see `zoo.TargetKind`.",
    "Block": "What views draw: `Paragraph`, `Bars`, `Table`, `Curve`, `Matrix`, `Vector`, `Picture`, `Boxes`, "
    "`Mask` or `Spans`, with a `title` or without.",
    "Prediction": "What a model gives for an input: the answer of its task (a `zoo.Answer`, such as `Classification`), "
    "or `Rejected` in the place of an input that could not be answered.",
    "GGUF_BLOCK_TYPES": "How numbers of a GGUF file may be packed (`zoo.GgufBlockType`), by its number in one.",
    "hookimpl": "Marks a function of a plugin as the implementation of the hook of its name; see [Hooks](hooks.md).",
}


def _is_error(name: str) -> bool:
    value = getattr(zoo, name)
    return isinstance(value, type) and issubclass(value, Exception)


def _definition(value: object) -> Node | None:
    """Where a class or function is written."""
    module = inspect.getmodule(value)
    return _find(module, value.__name__) if (module and isinstance(value, type)) or inspect.isfunction(value) else None


def _find(module: ModuleType | None, name: str) -> Node:
    assert module is not None
    (node,) = (
        node
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and node.name == name
        and not any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
    )
    return node


def _class(node: Node) -> Iterator[str]:
    assert isinstance(node, ast.ClassDef)
    yield from ("", *_prose(ast.get_docstring(node) or ""))
    if rows := list(_fields(node)):
        yield from ("", "| attribute | type | meaning |", "|---|---|---|", *rows)
    for member in node.body:
        overload = isinstance(member, ast.FunctionDef) and any(
            "overload" in ast.unparse(d) for d in member.decorator_list
        )
        if isinstance(member, ast.FunctionDef) and not overload and not member.name.startswith("_"):
            if any(ast.unparse(decorator).endswith("property") for decorator in member.decorator_list):
                continue
            required = any("abstractmethod" in ast.unparse(decorator) for decorator in member.decorator_list)
            title = f"**{node.name}.{member.name}**" + (", which has to be there" if required else "")
            yield from ("", title, *_described(member))


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for member, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            text = str(following.value.value) if documented else ""  # type: ignore[union-attr]
            if not member.target.id.startswith("_") and "option(" not in ast.unparse(member.annotation):
                yield f"| `{member.target.id}` | `{_cell(ast.unparse(member.annotation))}` | {_cell(text)} |"
        elif isinstance(member, ast.FunctionDef) and any(
            ast.unparse(decorator).endswith("property") for decorator in member.decorator_list
        ):
            returns = ast.unparse(member.returns) if member.returns else ""
            yield f"| `{member.name}` | `{_cell(returns)}` | {_cell(ast.get_docstring(member) or '')} |"


def _described(node: Node) -> Iterator[str]:
    assert isinstance(node, ast.FunctionDef)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    signature = f"{node.name}({ast.unparse(node.args)}){returns}"
    if len(signature) > 100:
        signature = (
            f"{node.name}(\n    "
            + re.sub(r", (?=[*\w]+(?:[:=,]|$))", ",\n    ", ast.unparse(node.args))
            + f"\n){returns}"
        )
    yield from ("", "```text", signature, "```", "", *_prose(ast.get_docstring(node) or ""))


def _prose(text: str) -> Iterator[str]:
    """A docstring as Markdown: its sections become lists, its indented examples stay as they are."""
    section = ""
    for line in inspect.cleandoc(text).replace("`", "`").splitlines():
        if match := SECTION.match(line):
            section = match[1]
            yield from (f"**{ {'Args': 'Arguments'}.get(section, section) }**", "")
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, colon, meaning = line.strip().partition(": ")
            yield f"- `{name}`: {meaning}" if colon and section != "Returns" else f"- {line.strip()}"
        elif section and line.strip():
            yield f"  {line.strip()}"
        else:
            section = "" if not line.strip() else section
            yield line


def _cell(text: str) -> str:
    """Text that stays within the cell of a table."""
    return " ".join(textwrap.dedent(text).split()).replace("|", "\\|").replace("<", "&lt;")


def embedded(page: str) -> str:
    """A page with the files it shows as they are: `<!-- file: path -->` and the block after it."""

    def block(match: re.Match[str]) -> str:
        text = (ROOT / match[1]).read_text(encoding="utf-8")
        return f"<!-- file: {match[1]} -->\n```python\n{text}```"

    return re.sub(r"<!-- file: (\S+) -->\n```python\n.*?```", block, page, flags=re.DOTALL)


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that the code has a say in, and what it must hold."""
    for name, page in {
        "cli.md": cli,
        "options.md": options,
        "hooks.md": hooks,
        "python.md": python,
        "training.md": training,
        "architectures.md": architectures,
    }.items():
        yield REFERENCE / name, NOTE + page()
    for path in sorted((ROOT / "docs" / "plugins").glob("*.md")):
        yield path, embedded(path.read_text(encoding="utf-8"))


def stale() -> list[str]:
    """Paths of the pages that do not say what the code does."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in pages()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is stale")
    if parser.parse_args().check:
        stale_pages = stale()
        sys.stderr.writelines(f"{path} is stale: uv run docs/generate.py\n" for path in stale_pages)
        return 1 if stale_pages else 0
    REFERENCE.mkdir(exist_ok=True)
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
