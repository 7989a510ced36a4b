"""Matrices as 8-bit rows, each with a scale of its own: how weights ship."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

INT8_MAX = 127
SCALES = ".scales"


def quantise(rows: FloatArray, most: int = INT8_MAX) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Rows as integers from -most to most, and the scale of each; no number is off by more than half a step."""
    scales = (np.abs(rows).max(axis=1) / most).astype(np.float16)
    steps = np.where(scales > 0, scales, 1).astype(np.float32)[:, None]
    return np.clip(np.rint(rows / steps), -most, most).astype(np.int8), scales


def restore(rows: NDArray[np.int8], scales: NDArray[np.float16]) -> FloatArray:
    """What `quantise` was given, but for rounding."""
    return rows * scales.astype(np.float32)[:, None]


def pack(arrays: Mapping[str, FloatArray]) -> dict[str, NDArray[np.generic]]:
    """Named arrays as they are stored: matrices quantised, vectors as they are."""
    packed: dict[str, NDArray[np.generic]] = {}
    for name, array in arrays.items():
        if array.ndim == 2:
            packed[name], packed[name + SCALES] = quantise(array)
        else:
            packed[name] = array
    return packed


def unpack(packed: Mapping[str, NDArray[np.generic]]) -> dict[str, FloatArray]:
    """What `pack` was given, but for rounding."""
    arrays: dict[str, FloatArray] = {}
    for name, array in packed.items():
        if name + SCALES in packed:
            arrays[name] = restore(
                array.astype(np.int8, copy=False), packed[name + SCALES].astype(np.float16, copy=False)
            )
        elif not name.endswith(SCALES):
            arrays[name] = array.astype(np.float32, copy=False)
    return arrays
