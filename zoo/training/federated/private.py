"""Rounds that tell little of any client (DP-FedAvg, McMahan et al. 2018, arXiv:1710.06963, algorithm 1).

Whoever averages sees what each client sends; the weights of each round, and the model, tell little of any of them.
Every client is drawn with the same probability in each round (Poisson), what it changes is shortened to a norm, noise
is added to the sum, and that is divided by how many are expected. A client counts once, however many rows it has. What
is drawn and the noise come from the secret of the run.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import torch
from torch import nn

from zoo.blocks import Paragraph, Report, Table
from zoo.hyperparameters import FederationOptions
from zoo.plurals import counted
from zoo.privacy import Privacy, delta_of
from zoo.runs.checkpoints import newest_step
from zoo.runs.context import TrainingRun
from zoo.runs.events import PrivacyPlanned
from zoo.training.federated.averaging import Average, State, moved
from zoo.training.private.accounting import accountant_name, noise_multiplier_for
from zoo.training.private.gradients import trained
from zoo.training.private.plan import Private
from zoo.training.private.secret import Secret, secret_of
from zoo.training.private.statement import TITLE

CLIENT = "client"


class PrivateRounds(Private):
    """A private training whose steps are rounds, and whose units are clients."""

    @property
    def planned(self) -> PrivacyPlanned:
        """As the log of the run has it."""
        return msgspec.structs.replace(super().planned, unit=CLIENT, rounds=self.steps)

    def drawn(self, number: int) -> list[int]:
        """The clients of a 1-based round: as many as it happens, or none."""
        indices: list[int] = np.flatnonzero(
            self.secret.uniform(len(self.units), "clients", number) < self.sample_rate
        ).tolist()
        return indices

    def released(self, before: State, average: Average, sent: frozenset[str], numbers: Sequence[int]) -> State:
        """The weights after rounds, of which the first alone may have had clients.

        Args:
            before: the weights.
            average: of what clients changed, each shortened.
            sent: names of what travels.
            numbers: of the rounds.
        """
        scale, after = self.noise_multiplier * self.privacy.clip, dict(before)
        for name in sorted(sent):
            changed = average.total(name)
            total = torch.zeros_like(before[name], dtype=torch.float32) if changed is None else changed.clone()
            for number in numbers:
                total.add_(self.secret.normal(total, "noise", number, name), alpha=scale)
            after[name] = moved(before[name], total / self.expected_units)
        return after

    def remark(self, module: nn.Module) -> str:
        """That the noise drowns what is learnt, with figures; empty where it does not.

        Noise of rounds adds up by its square, what clients change at most by itself.

        Args:
            module: that learns.
        """
        weights, clients = sum(parameter.numel() for parameter in trained(module).values()), len(self.units)
        noise = self.noise_multiplier * self.privacy.clip * math.sqrt(weights * self.steps) / self.expected_units
        most = self.privacy.clip * self.steps
        if noise <= most:
            return ""
        return (
            f"the noise drowns what is learnt: after {counted(self.steps, 'round')} it has moved {weights:,} weights "
            f"by {noise:.3g}, and {counted(clients, 'client')} move them by {most:.3g} at most; it takes some "
            f"{math.ceil(clients * noise / most):,} clients, a larger eps, or fewer weights (--method head)"
        )


def plan_private_rounds(
    privacy: Privacy, run: TrainingRun, federation: FederationOptions, clients: int
) -> PrivateRounds:
    """Find the noise with which all rounds stay within the budget.

    Args:
        privacy: that is asked for.
        run: whose secret it is.
        federation: how many rounds there are, and with which probability a client is in one.
        clients: how many there are.

    Raises:
        OptionInvalid: no noise is large enough, or delta is no small probability for so many clients.
        StoreInvalid: the run goes on, and its secret is lost.
    """
    delta, folder = delta_of(privacy, clients, "clients"), run.checkpoints_folder
    noise = noise_multiplier_for(privacy.epsilon, delta, sample_rate=federation.share, steps=federation.rounds)
    secret = Secret.fresh() if run.dry_run else secret_of(folder, begun=newest_step(folder) is not None)
    units = [(number,) for number in range(clients)]
    return PrivateRounds(privacy, delta, units, federation.share, noise, secret, federation.rounds)


def seed_of(name: str) -> int:
    """What the random draws of a client depend on, which must be nothing of the others: their number, for one."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest())


def rounds_statement(private: PrivateRounds, *, parent: str, held_out: int) -> Report:
    """What the result promises of the clients, and what not.

    Args:
        private: how it was learnt, to its end.
        parent: name of the model it began from.
        held_out: rows of clients that were judged with.
    """
    clip, noise = private.privacy.clip, private.noise_multiplier
    rows = (
        ("epsilon", f"{private.spent(private.steps):.2f} spent of {private.privacy.epsilon:g}"),
        ("delta", f"{private.delta:.3g}"),
        ("unit", f"one client with all its rows, of {len(private.units):,}"),
        ("neighbouring data", "one client more or less (add or remove)"),
        (
            "mechanism",
            f"DP-FedAvg: what a client changes in a round clipped to the L2 norm {clip:g} over all that is learnt, "
            f"Gaussian noise of {noise:.4g} times that on the sum of each round, {counted(private.steps, 'round')}; "
            "each client counts once, whatever rows it has",
        ),
        ("sampling", f"Poisson: each client in each round with probability {private.sample_rate:.4g}"),
        ("accountant", accountant_name()),
        (
            "who is trusted",
            "whoever averages, who sees what each client sends (central differential privacy)",
        ),
        ("randomness", "SHAKE-256 from a secret of the run, which is deleted; rounding is not hardened"),
        (
            "taken to be public",
            f"the weights of {parent}; how many clients and how many rows in all there are, the names of labels or "
            "letters, how long or large inputs are",
        ),
        ("kept", "the weights of the last round: no evaluation chose them"),
    )
    not_covered = [
        *([f"the {counted(held_out, 'row')} held out, of which the figures here tell"] if held_out else []),
        "what was tried before with the same clients, such as other options",
        "somebody who has rows at several clients",
        "the log of the run, which names clients and has losses and norms that are exact: share the model, not the run",
    ]
    return (
        Table(title=TITLE, headers=("privacy", "what is promised"), rows=rows),
        Paragraph(text=f"Not covered: {'; '.join(not_covered)}."),
    )
