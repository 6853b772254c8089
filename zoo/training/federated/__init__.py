"""Clients that keep their data and learn one model: weights go from round to round, and rows stay where they are."""

from zoo.training.federated.training import train_clients

__all__ = ["train_clients"]
