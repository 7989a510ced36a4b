from pathlib import Path

import pytest

from app.spreadsheets import NoTable, as_triples, triples_of


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "parts.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        'part,name,weight\nP-1,"Pump, 12 V",3 kg\nP-2,Valve,\n',
        "part;name;weight\r\nP-1;Pump, 12 V;3 kg\r\n;;\r\nP-2;Valve;\r\n",
        "part\tname\tweight\nP-1\t Pump, 12 V\t3 kg\n\nP-2\tValve\t\n",
    ],
)
def test_each_cell_is_a_triple_whatever_separates_it(tmp_path: Path, text: str) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        assert [*triples_of(table(tmp_path, text, encoding))] == [
            ("P-1", "name", "Pump, 12 V"),
            ("P-1", "weight", "3 kg"),
            ("P-2", "name", "Valve"),
        ]


def test_triples_are_a_csv_as_long_as_they_are_needed(tmp_path: Path) -> None:
    with as_triples(table(tmp_path, 'part,name\nP-1,"say ""hi"", all"\n')) as triples:
        assert triples.read_text() == 'P-1,name,"say ""hi"", all"\n'
    assert not triples.exists()


@pytest.mark.parametrize(
    ("text", "encoding", "wrong"),
    [
        ("", "utf-8", "line 1 names no columns"),
        ("part\nP-1\n", "utf-8", "line 1 names no columns"),
        ("part,,weight\nP-1,Pump,3\n", "utf-8", "line 1 names no columns"),
        ("part,name\nP-1,Pump\nP-2,Valve,2 kg\n", "utf-8", "line 3 has 3 cells, the first line 2"),
        ("part,name\n,Pump\n", "utf-8", "line 2 has no first cell"),
        ('part,name\nP-1,"Pump\n', "utf-8", "line 2: "),
        ("part,name\nP-1,Größe\n", "latin-1", "no UTF-8"),
    ],
)
def test_what_is_no_table_is_named_by_its_line(tmp_path: Path, text: str, encoding: str, wrong: str) -> None:
    with pytest.raises(NoTable, match=wrong):
        [*triples_of(table(tmp_path, text, encoding))]
