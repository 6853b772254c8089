"""What is tried to make a model smaller, in order of cost."""

from __future__ import annotations

from zoo.runs.shrinking.attempt import Attempt, Form
from zoo.runs.shrinking.onnx import OnnxInt8
from zoo.runs.shrinking.packed import Packed
from zoo.runs.shrinking.student import Student
from zoo.shrink_options import ONNX


def forms_of(attempt: Attempt) -> tuple[Form, ...]:
    """The forms that a run was asked to try.

    Args:
        attempt: at making a model smaller.
    """
    packed = [Packed.original(attempt, name) for name in attempt.options.candidates if name != ONNX]
    onnx = [OnnxInt8(attempt)] if ONNX in attempt.options.candidates else []
    students = [Student(attempt, request) for request in attempt.worker.request.students]
    trained: list[Form] = []
    for student in students:
        trained += [student, student.in_8_bits] if "int8" in attempt.options.candidates else [student]
    return (*packed, *onnx, *trained)
