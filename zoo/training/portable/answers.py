"""From the output of a head to answers, in lines of Python that need numpy alone."""

from __future__ import annotations

from typing import Any

from zoo.training.head import REGRESSION, SEVERAL_LABELS, SINGLE_LABEL, HeadConfig

_PRINTED = {
    SINGLE_LABEL: """scores = np.exp(logits - logits.max(-1, keepdims=True))
for row in scores / scores.sum(-1, keepdims=True):
    print(facts["labels"][row.argmax()], row.max())""",
    SEVERAL_LABELS: """for row in 1 / (1 + np.exp(-logits)):
    print([label for label, share in zip(facts["labels"], row) if share >= facts["head"]["threshold"]])""",
    REGRESSION: 'print(logits[:, 0] * facts["head"]["target_std"] + facts["head"]["target_mean"])',
}
VECTORS = "print(vectors.shape)  # one vector each"
"""Where the output is the answer."""


def printed(head: HeadConfig) -> str:
    """Lines that print what a head on one vector says, from an array `logits`."""
    return _PRINTED[head.problem_type]


def head_facts(head: HeadConfig | None) -> dict[str, Any]:
    """What has to be known of a head; a number comes out standardised."""
    if head is None:
        return {}
    return {"labels": list(head.labels), "head": {"problem_type": head.problem_type, **head.to_json()}}


def head_of(facts: dict[str, Any]) -> HeadConfig | None:
    """What `head_facts` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    if "head" not in facts:
        return None
    return HeadConfig.from_json(facts["head"], facts["head"]["problem_type"], tuple(map(str, facts["labels"])))
