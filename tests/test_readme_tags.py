"""Tags of a README are read as people and the Hub write them, and one more leaves the rest as it is."""

from __future__ import annotations

import pytest

from zoo.readme_tags import PRIVATE_ROWS, tagged, tags_of


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
        ("---\ntags: [one\nlicense: mit\n---\n# a model\n", ()),
        ("---\ntags: [one, # see: here\n  two]\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ("---\ntags: [one,\n # note: two\n three]\n---\n# a model\n", ("one", "three")),
        ('---\ntags: [\n  "license: mit",\n  two]\n---\n# a model\n', ("license: mit", "two")),
        ("---\ntags: [ # all] of them\n  one]\nlicense: mit\n---\n# a model\n", ("one",)),
        ("---\ntags:\n  [one, two]\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ("---\ntags: &t\n- one\n# of the rest\nlicense: mit\n---\n# a model\n", ("one",)),
        ("---\ntags: c#\nlicense: mit\n---\n# a model\n", ("c#",)),
        ("---\ntags: one, two\nlicense: mit\n---\n# a model\n", ("one", "two")),
        ("---\ntags:\n- yes\n- 1.0\n- 'null'\nlicense: mit\n---\n# a model\n", ("yes", "1.0", "null")),
        ('---\nlicense: mit\n"tags": |\n  one\n---\n# a model\n', ("one",)),
        ("\ufeff---\ntags: [one]\nlicense: mit\n---\n# a model\n", ("one",)),
        ("\n--- \ntags: [one]\n---\n# a model\n", ("one",)),
        ("---\ntags: []\nlicense: mit\n---\n# a model\n", ()),
        ("---\n# nothing\n---\n# a model\n", ()),
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
    assert ("# of the rest" in readme) == ("# of the rest" in more)
    assert ("license: mit" in readme) == ("license: mit" in more)


@pytest.mark.parametrize(
    "readme",
    [
        "---\ntags: [one\n- private-rows\n---\n# a model\n",
        "---\ntags:\n- one\n\t- private-rows\n---\n# a model\n",
        "---\ntags: {of: [private-rows]}\n---\n# a model\n",
        "---\ntags: [[private-rows]]\n---\n# a model\n",
        "---\ntags: [private-rows]\ntags: [one]\n---\n# a model\n",
        "---\nour: &our\n  tags: [private-rows]\n<<: *our\n---\n# a model\n",
        "---\n{tags: [private-rows]}\n---\n# a model\n",
        "---\ntags: [private-rows] of mine\n--- \n# a model\n",
        "---\ntags: [private-rows]\n# a model without an end of its front matter\n",
        "---\ntags: " + "[" * 400 + "private-rows" + "]" * 400 + "\n---\n",
    ],
)
def test_what_cannot_be_read_is_private_where_it_may_be(readme: str) -> None:
    assert (PRIVATE_ROWS,) == tags_of(readme)
    assert () == tags_of(readme.replace(PRIVATE_ROWS, "public-rows"))
    stated = tagged(readme, PRIVATE_ROWS)
    assert stated.endswith(readme), "nothing of it is lost"
    assert (PRIVATE_ROWS,) == tags_of(stated)
    assert stated == tagged(stated, PRIVATE_ROWS)


def test_prose_makes_no_model_private() -> None:
    assert () == tags_of("# a model\n\nIts rows are no private-rows.\n")
    assert ("one",) == tags_of("---\ntags: [one] # not private-rows\n---\nnot of private-rows\n")


def test_a_list_that_others_refer_to_stays() -> None:
    readme = "---\ntags: &ours [one]\nlike: *ours\n---\n# a model\n"
    assert ("one",) == tags_of(readme)
    assert f"---\ntags:\n- more\n---\n\n{readme}" == tagged(readme, "more")
