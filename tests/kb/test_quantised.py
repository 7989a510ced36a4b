import numpy as np

from kb.quantised import INT8_MAX, pack, quantise, restore, unpack


def make_rows() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rows = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)
    rows[4] = 0.0
    return rows


def test_quantised_rows_are_within_half_a_step() -> None:
    rows = make_rows()
    numbers, scales = quantise(rows)
    assert numbers.dtype == np.int8
    assert np.all(np.abs(restore(numbers, scales) - rows) <= scales.astype(np.float32)[:, None] * 0.6)
    assert not numbers[4].any()
    assert np.abs(numbers).max() == INT8_MAX


def test_matrices_are_packed_and_vectors_stay_as_they_are() -> None:
    arrays = {"matrix": make_rows(), "vector": np.array([0.1, -2.0], np.float32)}
    packed = pack(arrays)
    assert packed["matrix"].dtype == np.int8
    found = unpack(packed)
    assert found.keys() == arrays.keys()
    np.testing.assert_allclose(found["matrix"], arrays["matrix"], atol=0.02)
    np.testing.assert_array_equal(found["vector"], arrays["vector"])
