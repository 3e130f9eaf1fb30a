import pytest

from credservice.core.context_templates import MissingSource, check_template, fill_template, sources_of

CONTEXT = {"end_user": "eu_1", "plan": "small", "features": {"age": 2, "hat": {"color": "red"}}}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("$end_user", "eu_1"),
        ("$features.age", 2),
        ("$features.hat.color", "red"),
        ("$features.hat", {"color": "red"}),
        ("plain", "plain"),
        ("", ""),
        ("$$end_user", "$end_user"),
        (7, 7),
        (None, None),
        ({"a": ["$plan", {"b": "$end_user"}]}, {"a": ["small", {"b": "eu_1"}]}),
    ],
)
def test_it_fills_sources(template, filled):
    check_template(template)
    assert fill_template(template, CONTEXT) == filled


@pytest.mark.parametrize("source", ["$", "$1", "$a b", "$a.", "$.a", "$a..b", "${a}"])
def test_it_refuses_what_names_no_source(source):
    with pytest.raises(ValueError, match="names no source"):
        check_template({"claim": [source]})


@pytest.mark.parametrize("source", ["$region", "$plan.size", "$features.colour", "$end_user.0"])
def test_a_source_that_the_context_lacks_is_named(source):
    with pytest.raises(MissingSource, match="there are end_user, features, plan"):
        fill_template(source, CONTEXT)


def test_it_lists_the_sources_of_a_template():
    template = {"a": ["$plan", {"b": "$features.age"}], "c": "$$end_user", "d": "text", "e": 7}
    assert list(sources_of(template)) == ["$plan", "$features.age"]


def test_it_refuses_a_template_without_a_bottom():
    template: list[object] = []
    template.append(template)
    with pytest.raises(ValueError, match="nested too deeply"):
        check_template(template)
