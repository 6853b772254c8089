"""Little data that a model can learn to distinguish within seconds, as its task takes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from zoo.kinds.samples import SampleSet
from zoo.tasks.task import Task


class Samples(NamedTuple):
    """Where the data are written when they are first asked for."""

    folder: Path
    longest: int = 96
    """Most words of a text."""

    def of(self, task: Task) -> SampleSet:
        """Those of the kind that a task takes."""
        return task.input.samples(self.folder, self.longest)

    def labelled(self, task: Task) -> Path:
        """A file or a folder of inputs with targets."""
        samples, target = self.of(task), task.target
        if target is None or target.has_classes:
            return samples.labelled()
        names = [task.usual_columns(role)[0] for role in task.roles]
        path = self.folder / f"{task.name}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for values, cell in target.sample_rows(samples):
                row = (*(values if isinstance(values, tuple) else (values,)), cell)
                file.write(json.dumps(dict(zip(names, row, strict=True))) + "\n")
        return path

    def unlabelled(self, task: Task) -> Path:
        """A file or a folder of inputs."""
        return self.of(task).unlabelled()

    def inputs(self, task: Task) -> list[Any]:
        """Inputs of every label, of unequal lengths or sizes."""
        return self.of(task).inputs(task.mark)

    def inputs_file(self, task: Task) -> Path:
        """The same inputs as a file of JSON lines; files are named from where it stands."""
        samples = self.of(task)
        columns = [task.usual_columns(role)[0] for role in task.input.roles]
        path = self.folder / "inputs.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for one in samples.inputs(task.mark):
                file.write(json.dumps(samples.row(one, columns)) + "\n")
        return path

    def unusable(self, task: Task) -> list[Any]:
        """Inputs that no model of this task can answer; two of them hold what acts on a terminal."""
        return self.of(task).unusable()

    def harmful(self, task: Task) -> list[Any]:
        """Inputs that a model may answer, and that hold what acts on a terminal; none where no kind of input can."""
        return self.of(task).harmful(task.mark)
