"""Which labels of a data set are most probably wrong, by what a model that has not learnt from a row says of it.

Confident learning (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068): a model is confident of a label where that is
as probable as it is on average among the rows that have it. Counted by the label given and the label that the model is
confident of, rows are the confident joint (section 3.1), which says how many labels are wrong. Those off its diagonal
are in doubt where the other label is also the more probable one, and the next by their margin where these are fewer
than are estimated to be wrong; all are ranked by the margin (3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Doubt(NamedTuple):
    """A row whose label is in doubt."""

    place: int
    """Of the row."""
    proposed: tuple[int, ...]
    """Places of the labels that it more probably has."""
    probability: float
    """Of what is proposed: where a row may have several labels, of the one label in it that is doubted the most."""
    label_probability: float
    """Likewise, of what the data say."""

    @property
    def margin(self) -> float:
        """By how much what is proposed is more probable."""
        return self.probability - self.label_probability


class Doubts(NamedTuple):
    """What is in doubt of all rows."""

    rows: tuple[Doubt, ...]
    """Those in doubt, the largest margin first."""
    wrong: float
    """Share of the labels that is estimated to be wrong, by the confident joint."""


def doubts_of_classes(probabilities: Any, labels: Sequence[int]) -> Doubts:
    """Of rows that have one label each.

    Args:
        probabilities: of the labels, out of fold, shape (rows, labels), of numpy.
        labels: place of the label of each row.
    """
    import numpy as np

    own_labels, rows = np.asarray(labels), np.arange(len(labels))
    confident = _confident(probabilities, own_labels)
    wrong = _wrong_share(own_labels, confident)
    is_used = np.isin(np.arange(probabilities.shape[1]), own_labels)
    likeliest = np.where(is_used, probabilities, -1.0).argmax(axis=1)
    proposed = np.where((confident >= 0) & (confident != own_labels), confident, likeliest)
    margins = probabilities[rows, proposed] - probabilities[rows, own_labels]
    doubted = _doubted(margins, confident == proposed, wrong)
    doubts = [
        Doubt(int(row), (int(proposed[row]),), float(probabilities[row, proposed[row]]), float(own))
        for row, own in zip(rows[doubted], probabilities[rows, own_labels][doubted], strict=True)
    ]
    return Doubts(_ranked(doubts), wrong)


def doubts_of_sets(probabilities: Any, has_label: Any) -> Doubts:
    """Of rows that have any number of labels: each label is for itself in doubt, where it is given and where not.

    Args:
        probabilities: of the labels, out of fold, shape (rows, labels), of numpy.
        has_label: which of them a row has, of that shape, of truth values.
    """
    import numpy as np

    proposed, wrong = has_label.copy(), []
    for label in range(has_label.shape[1]):
        own = has_label[:, label].astype(int)
        if 0 < own.sum() < len(own):
            both = np.stack([1 - probabilities[:, label], probabilities[:, label]], axis=1)
            confident = _confident(both, own)
            wrong.append(_wrong_share(own, confident))
            margins = both[np.arange(len(own)), 1 - own] - both[np.arange(len(own)), own]
            proposed[:, label] ^= _doubted(margins, confident == 1 - own, wrong[-1])
    doubts = []
    of_label = np.where(has_label, probabilities, 1 - probabilities)
    for row in np.flatnonzero((proposed != has_label).any(axis=1)):
        least = float(of_label[row][proposed[row] != has_label[row]].min())
        doubts.append(Doubt(int(row), tuple(map(int, np.flatnonzero(proposed[row]))), 1 - least, least))
    return Doubts(_ranked(doubts), float(np.mean(wrong)) if wrong else 0.0)


def _doubted(margins: Any, confident: Any, wrong: float) -> Any:
    """Whether each row is in doubt: those of which the model is confident, and the next by their margin up to as many
    as are estimated to be wrong.

    Args:
        margins: by how much another label is more probable, shape (rows,).
        confident: whether the model is confident of that one.
        wrong: share of the rows.
    """
    import numpy as np

    doubted = confident & (margins > 0)
    more = max(0, round(wrong * len(margins)) - int(doubted.sum()))
    others = np.flatnonzero(~doubted & (margins > 0))
    doubted[others[np.argsort(-margins[others], kind="stable")][:more]] = True
    return doubted


def _confident(probabilities: Any, labels: Any) -> Any:
    """The most probable of the labels that are as probable as among the rows that have them; -1 where none is."""
    import numpy as np

    thresholds = np.full(probabilities.shape[1], np.inf)
    for label in np.unique(labels):
        thresholds[label] = probabilities[labels == label, label].mean()
    above = np.where(probabilities >= thresholds, probabilities, -1.0)
    return np.where(above.max(axis=1) >= 0, above.argmax(axis=1), -1)


def _wrong_share(labels: Any, proposed: Any) -> float:
    """Share of the labels that are wrong, from the confident joint, each label in as many rows as have it."""
    import numpy as np

    wrong = 0.0
    for label in np.unique(labels):
        confident = proposed[(labels == label) & (proposed >= 0)]
        if len(confident):
            wrong += float((labels == label).sum() * (confident != label).mean())
    return wrong / len(labels)


def _ranked(doubts: Sequence[Doubt]) -> tuple[Doubt, ...]:
    return tuple(sorted(doubts, key=lambda doubt: (-doubt.margin, doubt.place)))
