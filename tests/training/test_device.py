import pytest
import torch

from bruit.training import device
from bruit.training.device import choose_device, choose_precision


@pytest.fixture
def speeds(monkeypatch):
    """Sets how long a product takes in float32 and bf16, and counts the measurements."""
    measured = []

    def pretend(fp32: float, bf16: float) -> list[torch.dtype]:
        def seconds(dtype):
            measured.append(dtype)
            return {torch.float32: fp32, torch.bfloat16: bf16}[dtype]

        monkeypatch.setattr(device, "_seconds", seconds)
        return measured

    choose_precision.cache_clear()
    yield pretend
    choose_precision.cache_clear()


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"), [(3.0, 1.0, "bf16"), (1.0, 1.0, "fp32"), (1.0, 20.0, "fp32"), (1.4, 1.0, "fp32")]
)
def test_bf16_is_chosen_where_it_is_clearly_faster(speeds, fp32, bf16, chosen):
    speeds(fp32, bf16)
    assert choose_precision() == chosen


def test_it_is_measured_once(speeds):
    measured = speeds(3.0, 1.0)
    choose_precision()
    n = len(measured)
    assert choose_precision() == "bf16"
    assert len(measured) == n > 0


def test_this_machine_gets_an_answer():
    choose_precision.cache_clear()
    assert choose_precision() in ("bf16", "fp32")
    assert choose_precision() is choose_precision()


def test_measuring_takes_no_random_numbers():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    choose_precision.cache_clear()
    choose_precision()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("there", "kind"), [(True, "cuda"), (False, "cpu")])
def test_the_gpu_is_used_if_there_is_one(monkeypatch, there, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device().type == kind


@pytest.mark.parametrize(("able", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_the_gpu_says_itself_what_it_can(monkeypatch, able, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: able)
    choose_precision.cache_clear()
    assert choose_precision() == chosen
    choose_precision.cache_clear()
