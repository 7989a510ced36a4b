import pytest

from kb.formats.delimited import Columns
from kb.triples import RejectedLine, Term, Triple
from tests.kb.formats.reading import CSV, TSV, in_chunks, labels, read

KISMET = ("Kismet", "directed by", "William Dieterle")


def test_a_tsv_line_is_a_triple_of_things() -> None:
    batch = read(b"Kismet\tdirected_by\tWilliam  Dieterle\n", TSV, source="movies")
    assert batch.triples == [Triple(Term("Kismet"), Term("directed by"), Term("William Dieterle"), "movies")]


def test_quotes_in_tsv_are_characters() -> None:
    assert labels(read(b'"Heroes"\tsung by\t"Bowie\n', TSV)) == [('"Heroes"', "sung by", '"Bowie')]


def test_windows_line_ends_and_a_last_line_without_end_are_read() -> None:
    assert labels(read(b"a\tr\tb\r\n\r\nc\tr\td", TSV)) == [("a", "r", "b"), ("c", "r", "d")]


@pytest.mark.parametrize("media_type", [TSV, CSV])
@pytest.mark.parametrize(
    "header",
    ["subject\trelation\tobject", "head\trelation\ttail", "s\tp\to", "Subject\tPredicate\tObject", "h\tr\tt"],
)
def test_a_header_is_not_a_triple(header: str, media_type: str) -> None:
    assert labels(read(f"{header}\na\tr\tb\n".encode(), media_type)) == [("a", "r", "b")]


@pytest.mark.parametrize("row", ["subject\trelation\tvalue", "head\tof\ttail", "s\tp\ts", "subject\trelation"])
def test_a_row_that_only_resembles_a_header_is_none(row: str) -> None:
    assert Columns.from_header(row.split("\t")) is None


def test_a_header_further_down_is_a_triple() -> None:
    assert labels(read(b"a\tr\tb\nsubject\trelation\tobject\n", TSV))[1] == ("subject", "relation", "object")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_finds_its_delimiter(delimiter: str) -> None:
    rows = ["Kismet", "directed_by", "William Dieterle"], ["a", "starredActors", "b"]
    data = "\n".join(delimiter.join(row) for row in rows).encode()
    assert labels(read(data, CSV)) == [KISMET, ("a", "starred actors", "b")]


def test_commas_in_labels_do_not_hide_the_delimiter() -> None:
    data = b"Hello, World|directed_by|Someone\nYes, No, Perhaps|starred_actors|Nobody, really\n"
    assert labels(read(data, CSV))[0] == ("Hello, World", "directed by", "Someone")


def test_quoted_fields_hold_delimiters_quotes_and_line_ends() -> None:
    data = b'"Me, Myself","said","He said ""no"""\r\n"two\r\nlines",r,"x"\r\n'
    assert labels(read(data, CSV)) == [("Me, Myself", "said", 'He said "no"'), ("two lines", "r", "x")]


def test_a_quote_inside_an_unquoted_field_is_a_character() -> None:
    assert labels(read(b'5" disk,made by,3M\na,r,b\n', CSV)) == [('5" disk', "made by", "3M"), ("a", "r", "b")]


def test_the_source_column_names_each_source_and_columns_may_come_in_any_order() -> None:
    batch = read(b"source,object,subject,relation\nbook,b,a,r\n,d,c,r\n", CSV, source="upload")
    assert batch.triples == [
        Triple(Term("a"), Term("r"), Term("b"), "book"),
        Triple(Term("c"), Term("r"), Term("d"), "upload"),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    good = "".join(f"a{number},r,b{number}\n" for number in range(3000))
    batch = read(f'a,r,b\nc,"r,d\n{good}'.encode(), CSV)
    assert len(batch.triples) == 3001
    assert [(line.number, line.text) for line in batch.rejected] == [(2, 'c,"r,d')]
    assert "never closed" in batch.rejected[0].reason


def test_text_after_a_closing_quote_costs_its_own_line_only() -> None:
    batch = read(b'a,r,b\n"c"d,r,e\nf,r,g\n', CSV)
    assert labels(batch) == [("a", "r", "b"), ("f", "r", "g")]
    assert batch.rejected == [RejectedLine(2, "field 1 has text after its closing quote", '"c"d,r,e')]


@pytest.mark.parametrize("size", [1, 3, 65_536])
def test_numbers_count_the_lines_inside_quoted_fields(size: int) -> None:
    batch = read(in_chunks(b'a,r,"b\nc\nd"\nonly,two\n"e\n",r,\nx,r,y\n', size), CSV)
    assert [line.number for line in batch.rejected] == [4, 5]
    assert labels(batch) == [("a", "r", "b c d"), ("x", "r", "y")]


def test_a_quoted_field_may_span_blocks() -> None:
    field = "line\n" * 900
    rows = f'a,r,"{field * 1}"\n' * 60
    batch = read(rows.encode(), CSV)
    assert len(batch.triples) == 60
    assert not batch.rejected


def test_many_open_quotes_take_time_in_proportion() -> None:
    batch = read(b'5" x,"abc\n' * 3000, CSV)
    assert len(batch.rejected) == 3000
