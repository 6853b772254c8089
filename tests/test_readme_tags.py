"""Tags of a README are read as people and the Hub write them, and one more leaves the rest as it is."""

from __future__ import annotations

import pytest

from zoo.readme_tags import tagged, tags_of


@pytest.mark.parametrize(
    ("readme", "tags"),
    [
        ("# a model\n", ()),
        ("---\nlicense: mit\n---\n# a model\n", ()),
        ("---\ntags:\n- one\n- 'two'\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ('---\r\ntags: [one, "two"]\r\n---\r\n', ("one", "two")),
        ("---\ntags: one\nlicense: mit\n---\n# a model\n", ("one",)),
        ("---\ntags:\nlicense: mit\n---\n# a model\n", ()),
        ("---\ntags: [one,\n  two]\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ("---\ntags: # ours\n- one\n- two\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ("---\ntags: one # ours\nlicense: mit\n---\n# a model\n", ("one",)),
        ("---\ntags:\n# ours\n- one # the first\n\n# theirs\n- two\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ("---\r\ntags:\r\n# ours\r\n- one\r\n- two\r\nlicense: mit\r\n---\r\n", ("one", "two")),
        ("---\ntags: [base_model:a,\n  two] # theirs\nlicense: mit\n---\n# a model\n", ("base_model:a", "two")),
        ("---\ntags: [one\nlicense: mit\n---\n# a model\n", ("one",)),
        ("---\ntags: null\nlicense: mit\n---\n# a model\n", ()),
        ("# a model\n\n---\ntags:\n- none\n---\n", ()),
    ],
)
def test_tags_stand_in_the_front_matter(readme: str, tags: tuple[str, ...]) -> None:
    assert tags == tags_of(readme)
    more = tagged(readme, "more")
    assert (*tags, "more") == tags_of(more)
    assert more == tagged(more, "more")
    assert more.endswith(readme.replace("\r\n", "\n").rpartition("---\n")[2])
    assert ("license: mit" in readme) == ("license: mit" in more)
