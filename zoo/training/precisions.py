"""The type that each precision computes in."""

from __future__ import annotations

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.float32}
"""int8 is a matter of the linear layers alone: what is computed between them is fp32."""
