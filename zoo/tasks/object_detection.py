"""What is where in an image."""

from __future__ import annotations

from zoo.answers import Detections
from zoo.kinds import BOXES, IMAGE
from zoo.tasks.options import DetectionOptions
from zoo.tasks.task import LEVELS, TABLES, Task

TASK = Task(
    name="object-detection",
    summary="find things in an image, each with the box around it",
    input=IMAGE,
    target=BOXES,
    answer=Detections,
    judge="zoo.metrics:DetectionMetrics",
    objective="zoo.training.objectives.detection:Detection",
    needs=LEVELS,
    primary_metric="map",
    predict_options=DetectionOptions,
    judged_options={"threshold": 0.05},
    example={
        "file_name": "photos/1.jpg",
        "boxes": '[{"label": "cat", "left": 12, "top": 30, "right": 96, "bottom": 80}]',
    },
    formats=("COCO JSON", "Pascal VOC folders", "YOLO folders", *TABLES),
)
