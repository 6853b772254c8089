"""MLflow: a run in its tracking server, or in a database beside zoo's runs where none is named."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from zoo_track.about import About
from zoo_track.figures import Figures
from zoo_track.mlflow_database import FILE, address_of, make_database
from zoo_track.tracker import Standing

EXPERIMENT = "zoo"
STATUSES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
MOST_PARAMS, MOST_METRICS = 100, 1000
"""Of one request, by MLflow's REST API."""
MOST_CHARACTERS = 5000
"""Of a value."""
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")


class MLflow:
    """Metrics by step, settings as parameters, versions and the folder as tags."""

    def __init__(self) -> None:
        self._mlflow: Any = import_module("mlflow")
        self._entities: Any = import_module("mlflow.entities")
        self.place = ""

    def begin(self, about: About, known: str) -> str:
        """Make a run in the experiment of `MLFLOW_EXPERIMENT_NAME`, or go on with one."""
        uri = self._address(about)
        self._client: Any = self._mlflow.MlflowClient(tracking_uri=uri)
        tag = self._entities.RunTag
        tags = {"mlflow.runName": about.name, "mlflow.note.content": about.text, **about.tags}
        if known:
            self._run = known
            self._client.update_run(known, status="RUNNING", name=about.name)
        else:
            experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
            self._run = self._client.create_run(self._experiment(experiment), run_name=about.name).info.run_id
            params = [
                self._entities.Param(NOT_IN_NAMES.sub("_", name), str(value)[:MOST_CHARACTERS])
                for name, value in about.settings.items()
            ]
            for start in range(0, len(params), MOST_PARAMS):
                self._client.log_batch(self._run, params=params[start : start + MOST_PARAMS])
        self._client.log_batch(self._run, tags=[tag(key, text[:MOST_CHARACTERS]) for key, text in tags.items()])
        self.place = f"run {self._run} at {uri}"
        return self._run

    def _address(self, about: About) -> str:
        if self._mlflow.is_tracking_uri_set() or os.environ.get("MLFLOW_TRACKING_URI"):
            return str(self._mlflow.get_tracking_uri())
        database = about.folder.parent.parent / FILE
        make_database(database)
        return address_of(database)

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name))
            except Exception:  # another run may have made it meanwhile
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def write(self, figures: Sequence[Figures]) -> None:
        """Metrics."""
        metrics = [
            self._entities.Metric(NOT_IN_NAMES.sub("_", name), value, int(1000 * one.at), one.step)
            for one in figures
            for name, value in one.values.items()
        ]
        for start in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(self._run, metrics=metrics[start : start + MOST_METRICS])

    def end(self, standing: Standing) -> None:
        """How it ended."""
        self._client.set_terminated(self._run, status=STATUSES[standing])
