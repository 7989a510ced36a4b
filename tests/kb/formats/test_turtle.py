import pytest

from kb.errors import SyntaxErrorAt, UnpackFailed
from kb.formats import ParseOptions, parse
from kb.formats.turtle import _NumberedNodes
from tests.kb.formats.reading import TURTLE, in_chunks, labels, read

PREFIX = b"@prefix : <http://e/> .\n"


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_statements_over_many_lines_are_read(size: int) -> None:
    data = PREFIX + b":Paul a :SoloArtist ;\n  :bornIn :Liverpool ,\n     :England .\n"
    assert labels(read(in_chunks(data, size), TURTLE)) == [
        ("Paul", "type", "Solo Artist"),
        ("Paul", "born in", "Liverpool"),
        ("Paul", "born in", "England"),
    ]


def test_a_syntax_error_ends_the_reading_with_its_line() -> None:
    with pytest.raises(SyntaxErrorAt) as error:
        read(PREFIX + b":a :b :c .\n:d :e\n:f :g :h .\n", TURTLE)
    assert error.value.line == 4
    assert "line 4" in str(error.value)


def test_a_relative_iri_without_base_says_what_to_do() -> None:
    with pytest.raises(SyntaxErrorAt, match="needs an @base line"):
        read(b"<a> <b> <c> .", TURTLE)


@pytest.mark.parametrize("end", [b"", b":a :b", b':a :b "x', b":a :b <http"])
def test_a_body_cut_inside_a_statement_is_an_error(end: bytes) -> None:
    data = PREFIX + b":a :b :c .\n" + end
    if end:
        with pytest.raises(SyntaxErrorAt, match="line"):
            read(data, TURTLE)
    else:
        assert len(read(data, TURTLE).triples) == 1


def test_bad_utf8_is_a_syntax_error_with_its_line() -> None:
    with pytest.raises(SyntaxErrorAt) as error:
        read(PREFIX + b':a :b "\xff" .\n', TURTLE)
    assert error.value.line == 2


def test_a_quote_that_is_never_closed_is_stopped_in_bounded_memory() -> None:
    endless = (b"x" * 65_536 for _ in range(1000))

    def chunks() -> object:
        yield PREFIX + b':a :b """'
        yield from endless

    with pytest.raises(SyntaxErrorAt, match="without end"):
        list(parse(chunks(), ParseOptions(TURTLE)))  # type: ignore[arg-type]


def test_a_statement_that_cannot_be_kept_is_rejected_with_its_line() -> None:
    data = PREFIX + b':a :b :c .\n:a :b "" .\n:a :d "\\u0000" ;\n   :e "x" .\n'
    batch = read(data, TURTLE)
    assert [line.number for line in batch.rejected] == [3, 4]
    assert batch.rejected[0].reason == "the literal is empty"
    assert "<http://e/a> <http://e/b>" in batch.rejected[0].text
    assert labels(batch) == [("a", "b", "c"), ("a", "e", "x")]


def test_damage_found_while_reading_is_told_as_it_is() -> None:
    def chunks() -> object:
        yield PREFIX
        raise UnpackFailed("gzip", "it is cut")

    with pytest.raises(UnpackFailed, match="it is cut"):
        list(parse(chunks(), ParseOptions(TURTLE)))  # type: ignore[arg-type]


def test_the_same_body_names_its_blank_nodes_the_same_every_time() -> None:
    data = PREFIX + b"[] :p [ :q _:x ] .\n:l :m (1 [ :n 2 ]) .\n" * 100
    assert read(data, TURTLE).triples == read(data, TURTLE).triples


def test_blank_nodes_without_label_differ() -> None:
    batch = read(PREFIX + b"[] :p :a . [] :p :a . _:1 :p :a .", TURTLE)
    assert len({triple.subject.iri for triple in batch.triples}) == 3


def test_old_nodes_are_forgotten_unless_the_text_writes_such_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.formats.turtle._REMEMBERED_NODES", 2)
    random_labels = [f"a{number:031x}" for number in range(4)]
    forgetting, remembering = _NumberedNodes(), _NumberedNodes()
    remembering.look_at(b"_:a0000000000")
    remembering.look_at(b"000000000000000000003 :p :o .")
    first = [forgetting.label(label) for label in random_labels]
    assert first == ["-1", "-2", "-3", "-4"] == [remembering.label(label) for label in random_labels]
    assert forgetting.label(random_labels[0]) == "-5"
    assert remembering.label(random_labels[0]) == "-1"
