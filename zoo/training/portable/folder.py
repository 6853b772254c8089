"""A folder that answers without zoo: the network, the facts, and a README whose lines of Python run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from zoo.training.portable.formats import FORMATS, PortableFormat, named
from zoo.training.portable.network import FACTS, Compute, Portable

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor

_README = """# {name}

{what}

The whole network is in `{file}`: from {inputs} to `{output}`. `{facts}` has what else is to be known.

## Use without zoo

Needs {libraries}.

```python
import json

{imports}

facts = json.load(open("this folder/{facts}", encoding="utf-8"))
{load}
{before}
{call}
{after}
```
{remark}"""
TEMPERATURE = "temperature"
"""Entry of the facts."""
_TEMPERED = """{0} = {0} / facts["temperature"]  # as it was calibrated"""
_DISTRIBUTIONS = {"PIL": "pillow"}
"""Of modules that have other names."""
_STANDARD = ("itertools",)
"""Modules that come with Python."""


def write_folder(
    portable: Portable, run: PredictionRun, name: str, folder: Path, temperature: float | None = None
) -> Predictor:
    """Write a model for other libraries.

    Args:
        portable: what the body of the weights gives (`Body.portable`).
        run: a prediction on the CPU in fp32.
        name: of the format.
        folder: exists and is empty.
        temperature: of a calibrated model, which the lines of the README divide logits by.

    Returns:
        What answers with the file that was written, its probabilities as they come.

    Raises:
        Unsupported: it cannot be written so.
    """
    portable_format = FORMATS[name]
    portable_format.write(portable, folder)
    portable.save(folder)
    facts = {
        "name": run.card.name,
        "task": run.task.name,
        **({"form": portable.form} if portable.form else {}),
        **portable.facts(),
        **({} if temperature is None else {TEMPERATURE: temperature}),
        "inputs": [
            {"name": one.name, "shape": one.shape, "dtype": str(one.example.dtype).removeprefix("torch.")}
            for one in portable.inputs
        ],
        "output": portable.output,
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(run, portable, name, temperature), encoding="utf-8")
    return portable.predictor(_computed(portable, portable_format, folder), folder)


def _computed(portable: Portable, portable_format: PortableFormat, folder: Path) -> Compute:
    """What computes with the file that was written; its failures are in one line."""
    with named(portable, "cannot be computed as it was written down"):
        compute = portable_format.compute(folder)

    def outputs(*tensors: torch.Tensor) -> torch.Tensor:
        with named(portable, "cannot be computed as it was written down"):
            return compute(*tensors)

    return outputs


def check_format(name: str) -> None:
    """Insist on the packages that a format takes.

    Raises:
        Unsupported: one of them is not installed.
    """
    FORMATS[name].check()


def _readme(run: PredictionRun, portable: Portable, name: str, temperature: float | None) -> str:
    """How to answer, and what the README of the result says of what it learnt from and how good it is."""
    usage, portable_format = portable.usage(), FORMATS[name]
    imports = {"import numpy as np", *portable_format.imports.splitlines(), *usage.imports.splitlines()}
    modules = {line.split()[1].partition(".")[0] for line in imports}
    intro, sections = _of_result(run.weights / "README.md")
    text = _README.format(
        name=run.card.name,
        what=intro or f"A model for {run.task.name}.",
        file=portable_format.file,
        inputs=", ".join(f"`{one.name}` of shape ({', '.join(map(str, one.shape))})" for one in portable.inputs),
        output=portable.output,
        facts=FACTS,
        libraries=", ".join(sorted(_DISTRIBUTIONS.get(one, one) for one in modules if one not in _STANDARD)),
        imports="\n".join(sorted(imports, key=lambda line: (line.startswith("from"), line))),
        load=portable_format.load,
        before=usage.before,
        call=portable_format.call(portable),
        after=usage.after if temperature is None else f"{_TEMPERED.format(portable.output)}\n{usage.after}",
        remark=f"\n{usage.remark}\n" if usage.remark else "",
    )
    return "\n\n".join((text.strip(), *sections)) + "\n"


def _of_result(path: Path) -> tuple[str, list[str]]:
    """What a README says first of a result, and its sections but those on its use."""
    first, *sections = re.split(r"(?m)^(?=## )", path.read_text(encoding="utf-8") if path.exists() else "")
    intro = re.sub(r"\A# .*\n", "", first).strip()
    return intro, [section.strip() for section in sections if not section.startswith("## Use")]
