"""TensorBoard: event files in the folder of the run, so that `tensorboard --logdir` of the runs' folder shows all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from zoo_track.about import About, Setting
from zoo_track.figures import Figures
from zoo_track.tracker import Standing

FOLDER = "tensorboard"


class TensorBoard:
    """Scalars by step, the settings as hyperparameters, and what the run is as text."""

    def __init__(self) -> None:
        self._events: Any = import_module("tensorboard.compat.proto.event_pb2")
        self._summaries: Any = import_module("tensorboard.compat.proto.summary_pb2")
        self._tensors: Any = import_module("tensorboard.compat.proto.tensor_pb2")
        self._shapes: Any = import_module("tensorboard.compat.proto.tensor_shape_pb2")
        self._hparams: Any = import_module("tensorboard.plugins.hparams.plugin_data_pb2")
        self._api: Any = import_module("tensorboard.plugins.hparams.api_pb2")
        self._names: Any = import_module("tensorboard.plugins.hparams.metadata")
        self.place = ""

    def begin(self, about: About, known: str) -> str:
        """Open a file beside those of earlier attempts."""
        folder = about.folder / FOLDER
        writer = import_module("tensorboard.summary.writer.event_file_writer")
        self._writer: Any = writer.EventFileWriter(str(folder), filename_suffix=".zoo")
        self.place = f"{folder} (tensorboard --logdir shows it)"
        if not known:
            self._write_summary(0, self._text("zoo/run", f"{about.text}\n\n{_markdown(about.settings)}"))
        self._write_summary(0, self._session_start(about.settings))
        self._writer.flush()
        return FOLDER

    def write(self, figures: Sequence[Figures]) -> None:
        """Scalars."""
        for one in figures:
            values = [self._summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in one.values.items()]
            self._write_summary(one.step, *values, at=one.at)
        self._writer.flush()

    def end(self, standing: Standing) -> None:
        """How it ended, for the page of hyperparameters."""
        statuses = {"finished": "STATUS_SUCCESS", "failed": "STATUS_FAILURE"}
        status = getattr(self._api, statuses.get(standing, "STATUS_UNKNOWN"))
        info = self._hparams.SessionEndInfo(status=status, end_time_secs=time.time())
        data = self._hparams.HParamsPluginData(session_end_info=info, version=self._names.PLUGIN_DATA_VERSION)
        self._write_summary(0, self._of_hparams(self._names.SESSION_END_INFO_TAG, data))
        self._writer.close()

    def _write_summary(self, step: int, *values: Any, at: float | None = None) -> None:
        summary = self._summaries.Summary(value=values)
        self._writer.add_event(self._events.Event(wall_time=at or time.time(), step=step, summary=summary))

    def _text(self, tag: str, text: str) -> Any:
        shape = self._shapes.TensorShapeProto(dim=[self._shapes.TensorShapeProto.Dim(size=1)])
        tensor = self._tensors.TensorProto(dtype="DT_STRING", string_val=[text.encode()], tensor_shape=shape)
        return self._summaries.Summary.Value(tag=tag, metadata=self._metadata("text"), tensor=tensor)

    def _session_start(self, settings: Mapping[str, Setting]) -> Any:
        info = self._hparams.SessionStartInfo(start_time_secs=time.time())
        for name, value in settings.items():
            kind = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
            setattr(info.hparams[name], f"{kind}_value", value)
        data = self._hparams.HParamsPluginData(session_start_info=info, version=self._names.PLUGIN_DATA_VERSION)
        return self._of_hparams(self._names.SESSION_START_INFO_TAG, data)

    def _of_hparams(self, tag: str, data: Any) -> Any:
        metadata = self._metadata(self._names.PLUGIN_NAME, data.SerializeToString())
        return self._summaries.Summary.Value(tag=tag, metadata=metadata)

    def _metadata(self, plugin: str, content: bytes = b"") -> Any:
        metadata = self._summaries.SummaryMetadata
        return metadata(plugin_data=metadata.PluginData(plugin_name=plugin, content=content))


def _markdown(settings: Mapping[str, Setting]) -> str:
    return "\n".join(
        ["| setting | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in settings.items())]
    )
