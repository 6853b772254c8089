"""What is said in a recording."""

from __future__ import annotations

from zoo.answers import Transcript
from zoo.kinds import RECORDING, TRANSCRIPT
from zoo.tasks.options import RecognitionOptions
from zoo.tasks.task import FRAMES, TABLES, Task

TASK = Task(
    name="automatic-speech-recognition",
    summary="write down what is said in a recording",
    input=RECORDING,
    target=TRANSCRIPT,
    answer=Transcript,
    judge="zoo.metrics:TranscriptMetrics",
    objective="zoo.training.objectives.ctc:Ctc",
    needs=FRAMES,
    primary_metric="wer",
    larger_is_better=False,
    finetune_options=RecognitionOptions,
    example={"audio": "recordings/1.wav", "text": "Where is my parcel?"},
    formats=("LibriSpeech folders", "recordings with .txt files beside them", *TABLES),
)
