import pytest

from bruit.models.trained import Baseline, Network
from bruit.models.zoo import ZOO
from bruit.training.fit import fit


@pytest.fixture(scope="session")
def zoo(digits) -> dict[str, Network | Baseline]:
    """Every model of the zoo after an epoch on some hundred images."""
    return {name: fit(name, digits.train, epochs=1).model for name in ZOO}
