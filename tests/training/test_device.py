import pytest
import torch

from bruit.training.device import choose_device, choose_precision


@pytest.mark.parametrize(
    ("able", "chosen"),
    [
        ({"avx2": True, "avx512_bf16": True}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
        ({"avx512_f": True, "avx512_bf16": False}, "fp32"),
        ({"neon": True, "bf16": True}, "fp32"),
        ({}, "fp32"),
    ],
)
def test_the_processor_says_itself_what_it_can(monkeypatch, able, chosen):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert choose_precision() == chosen


def test_a_pytorch_that_cannot_be_asked_computes_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision() == "fp32"


@pytest.mark.parametrize(("there", "kind"), [(True, "cuda"), (False, "cpu")])
def test_the_gpu_is_used_if_there_is_one(monkeypatch, there, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device().type == kind


@pytest.mark.parametrize(("able", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_the_gpu_says_itself_what_it_can(monkeypatch, able, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: able)
    assert choose_precision() == chosen
