"""What a private training promises, and what it does not: a bare epsilon says little (Ponomareva et al. 2023,
arXiv:2303.00654, section 5.3).
"""

from __future__ import annotations

from zoo.blocks import Paragraph, Report, Table
from zoo.plurals import counted
from zoo.sanitize import one_line
from zoo.training.private.accounting import accountant_name
from zoo.training.private.plan import Private

TITLE = "Privacy"


def privacy_statement(private: Private, *, step: int, parent: str, held_out: int) -> Report:
    """State it of a run that has finished.

    Args:
        private: how it was trained.
        step: steps that were taken.
        parent: name of the model it began from.
        held_out: rows that were judged with.
    """
    epsilon, column = private.spent(step), one_line(private.unit_column)
    unit = column if column else "row"
    whole = (
        f"all rows that have the same in column {column}, of which there are {len(private.units):,}"
        if column
        else "one row of the training data"
    )
    more = f"all rows of one {column} more or less" if column else "one row more or less"
    of_unit = f"of each {unit}" + (", the mean of its rows, at most as many as are computed at once," if column else "")
    rows = (
        ("epsilon", f"{epsilon:.2f} spent of {private.privacy.epsilon:g}"),
        ("delta", f"{private.delta:.3g}"),
        ("unit", f"{whole}, with all parts that it was divided into"),
        ("neighbouring data", f"{more} (add or remove)"),
        (
            "mechanism",
            f"DP-SGD: the gradient {of_unit} clipped to the L2 norm {private.privacy.clip:g} over all that is "
            f"learnt, Gaussian noise of {private.noise_multiplier:.4g} times that once a step, "
            f"{counted(step, 'step')}",
        ),
        ("sampling", f"Poisson: each {unit} in each step with probability {private.sample_rate:.4g}"),
        ("accountant", accountant_name()),
        ("randomness", "SHAKE-256 from a secret of the run, which is deleted; rounding is not hardened"),
        (
            "taken to be public",
            f"the weights of {parent}; of the data the number of {'units' if column else 'rows'}, the names of "
            "labels or letters, how long or large inputs are",
        ),
        ("kept", "the weights of the last step: no evaluation chose them"),
    )
    not_covered = [
        *([f"the {counted(held_out, 'row')} held out, of which the figures here tell"] if held_out else []),
        "what was tried before with the same rows, such as other options",
        *([] if column else ["whoever has several rows: --unit COLUMN protects them with all of these"]),
        "the log of the run, which has losses that are exact: share the model, not the run",
    ]
    return (
        Table(title=TITLE, headers=("privacy", "what is promised"), rows=rows),
        Paragraph(text=f"Not covered: {'; '.join(not_covered)}."),
    )
