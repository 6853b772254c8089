"""What torch plugins build on: the objective, and the engine that trains it. Imports torch; workers only."""

from zoo.training.objective import Batch, Objective, Output

__all__ = ["Batch", "Objective", "Output"]
