"""Every test here may start runs of the echo model."""

from tests.echo_runs import echo, finetune, rows

__all__ = ["echo", "finetune", "rows"]
