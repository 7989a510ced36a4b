from kb.texts import TextTable, TextTableBuilder


def test_texts_come_back_by_number() -> None:
    table = TextTable.of(["a", "", "Amélie", "東京"])

    assert [table[number] for number in range(len(table))] == ["a", "", "Amélie", "東京"]


def test_batches_are_one_table() -> None:
    builder = TextTableBuilder()
    builder.extend(["one", "two"])
    builder.extend([])
    builder.extend(["three"])

    assert builder.table()[2] == "three"
    assert len(builder.table()) == 3


def test_a_table_of_nothing_is_empty() -> None:
    assert len(TextTable.of(())) == 0
