"""How to use a result in transformers' format without zoo; goes into its README."""

from __future__ import annotations

from zoo.training.head import REGRESSION, SEVERAL_LABELS, SINGLE_LABEL, HeadConfig

_TEMPLATE = """## Use without zoo

```python
from transformers import AutoTokenizer, {auto}

tokenizer = AutoTokenizer.from_pretrained("this folder")
model = {auto}.from_pretrained("this folder")
inputs = tokenizer(["a text"], truncation=True, padding=True, return_tensors="pt")
logits = model(**inputs).logits  # {comment}
```
"""

_TAGS = """## Use without zoo

```python
from transformers import AutoModelForTokenClassification, AutoTokenizer, TokenClassificationPipeline

tokenizer = AutoTokenizer.from_pretrained("this folder")
model = AutoModelForTokenClassification.from_pretrained("this folder")
tagger = TokenClassificationPipeline(model=model, tokenizer=tokenizer, aggregation_strategy="first")
spans = tagger("a text")  # entity_group, score, start, end
```

The first piece of each word is tagged; `id2label` in config.json names the tags. Longer texts than the tokenizer's
`model_max_length` need `stride=64`.
"""

WRITER = """## Use without zoo

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("this folder")
model = AutoModelForCausalLM.from_pretrained("this folder")
inputs = tokenizer("a text that", return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=40)[0]))
```
"""
"""Of a model that writes."""

_SPACED_TAGS = """## Use without zoo

```python
from transformers import AutoModelForTokenClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("this folder")
model = AutoModelForTokenClassification.from_pretrained("this folder").eval()


def tag(words):
    encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    numbers = encoded.word_ids()
    firsts = [numbers.index(number) for number in range(len(words))]
    return [model.config.id2label[tag] for tag in model(**encoded).logits[0, firsts].argmax(-1).tolist()]


print(tag("Ada Lovelace was born in London .".split()))
```

The first piece of each word is tagged; `id2label` in config.json names the tags. Words are those that stood between
blanks in the data. Longer texts than the tokenizer's `model_max_length` have to be divided.
"""

_COMMENTS = {
    SINGLE_LABEL: "columns in the order of model.config.id2label",
    SEVERAL_LABELS: "columns in the order of model.config.id2label; a label applies where logits.sigmoid() reaches "
    "model.config.threshold",
    REGRESSION: "one column: the number, in the unit of the data",
}


def readme_of(head: HeadConfig | None) -> str:
    """Of a classifier with that head, or of a language model."""
    if head is not None and head.is_of_tokens:
        return _SPACED_TAGS if head.words_spaced else _TAGS
    if head is None:
        return _TEMPLATE.format(auto="AutoModelForMaskedLM", comment="one row of the vocabulary per token")
    return _TEMPLATE.format(auto="AutoModelForSequenceClassification", comment=_COMMENTS[head.problem_type])
