"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

from zoo_bert.config import CLASSIFIER, LANGUAGE_MODEL

_TEMPLATE = """## Use without zoo

```python
from transformers import AutoTokenizer, {auto}

tokenizer = AutoTokenizer.from_pretrained("this folder")
model = {auto}.from_pretrained("this folder")
inputs = tokenizer(["a text"], truncation=True, padding=True, return_tensors="pt")
logits = model(**inputs).logits  # {comment}
```
"""


_USES = {
    CLASSIFIER: ("AutoModelForSequenceClassification", "columns in the order of model.config.id2label"),
    LANGUAGE_MODEL: ("AutoModelForMaskedLM", "one row of the vocabulary per token"),
}


def readme_of(architecture: str) -> str:
    """Of a result that transformers knows by that name."""
    auto, comment = _USES[architecture]
    return _TEMPLATE.format(auto=auto, comment=comment)
