"""What is tried to make a model smaller, in order of cost."""

from __future__ import annotations

from zoo.runs.shrinking.attempt import Attempt, Form
from zoo.runs.shrinking.packed import Packed
from zoo.runs.shrinking.student import Student


def forms_of(attempt: Attempt) -> tuple[Form, ...]:
    """The forms that a run was asked to try.

    Args:
        attempt: at making a model smaller.
    """
    packed = [Packed.original(attempt, name) for name in attempt.options.candidates]
    students = [Student(attempt, request) for request in attempt.worker.request.students]
    return (*packed, *(form for student in students for form in (student, student.in_8_bits)))
