"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

_TEMPLATE = """## Use without zoo

```python
from transformers import AutoTokenizer, {auto}

tokenizer = AutoTokenizer.from_pretrained("this folder")
model = {auto}.from_pretrained("this folder")
inputs = tokenizer(["a text"], truncation=True, padding=True, return_tensors="pt")
logits = model(**inputs).logits{comment}
```
"""


def classification_readme() -> str:
    """Of a classifier."""
    return _TEMPLATE.format(
        auto="AutoModelForSequenceClassification", comment="  # columns in the order of model.config.id2label"
    )


def masked_lm_readme() -> str:
    """Of a masked language model."""
    return _TEMPLATE.format(auto="AutoModelForMaskedLM", comment="  # one row of the vocabulary per token")
