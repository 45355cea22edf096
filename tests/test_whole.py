import numpy as np
import pytest

from bruit.errors import ConfigError
from bruit.whole import LEAST, whole


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_whole_numbers_become_ints(value):
    assert type(whole("seed", value)) is int
    assert whole("seed", value) == 3


def test_none_stays_none():
    assert whole("epochs", None) is None


@pytest.mark.parametrize("value", [1.5, 2.0, np.float64(2), "3", [3]])
def test_anything_else_is_refused(value, refused):
    with refused(ConfigError, f"expected a whole number as seed, received {value!r}"):
        whole("seed", value)


@pytest.mark.parametrize("name", LEAST)
def test_each_has_its_least(name, refused):
    least = LEAST[name]
    assert whole(name, least) == least
    with refused(ConfigError, f"expected {least} or more as {name}, received {least - 1}"):
        whole(name, least - 1)
