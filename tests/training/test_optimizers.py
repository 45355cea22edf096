import pytest
import torch
from torch import nn

from bruit.training.optimizers import Muon, make_optimizers, orthogonal
from bruit.training.recipe import Recipe

RECIPE = Recipe(epochs=1, batch_size=8, optimizer="adamw", learning_rate=0.01, weight_decay=0.1)
MUON = Recipe(
    epochs=1,
    batch_size=8,
    optimizer="muon",
    learning_rate=0.01,
    weight_decay=0.1,
    muon_learning_rate=0.05,
    muon_weight_decay=0.2,
)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(6 * 4 * 4, 3)
    )


@pytest.mark.parametrize("shape", [(8, 8), (4, 40), (40, 4), (1, 9)])
def test_orthogonal_keeps_the_directions_and_evens_out_their_lengths(shape):
    torch.manual_seed(1)
    matrix = torch.randn(shape)
    u, lengths, vt = torch.linalg.svd(matrix, full_matrices=False)
    found = u.mT @ orthogonal(matrix) @ vt.mT  # diagonal, if the directions are the same
    diagonal = found.diagonal()
    assert torch.allclose(found, torch.diag(diagonal), atol=1e-4)
    loud = lengths > 0.1 * lengths.max()
    assert ((diagonal[loud] > 0.5) & (diagonal[loud] < 1.3)).all()
    assert torch.allclose(orthogonal(1000 * matrix), orthogonal(matrix), atol=1e-4)


def test_orthogonal_of_nothing_is_nothing():
    assert torch.equal(orthogonal(torch.zeros(3, 4)), torch.zeros(3, 4))


def test_a_step_of_muon_is_as_long_whatever_the_gradient():
    steps = []
    for size in (1e-3, 1e3):
        torch.manual_seed(0)
        parameter = nn.Parameter(torch.zeros(6, 4, 3, 3))
        parameter.grad = size * torch.randn(6, 4, 3, 3)
        Muon([parameter], 0.1, momentum=0.9, weight_decay=0).step()
        steps.append(parameter.detach().clone())
    assert torch.allclose(steps[0], steps[1], rtol=1e-2, atol=1e-4)
    assert steps[0].flatten(1).norm() == pytest.approx(0.1 * 6**0.5, rel=0.3)


def test_muon_goes_down_and_remembers_its_way():
    parameter = nn.Parameter(torch.zeros(3, 5))
    optimizer = Muon([parameter], 0.1, momentum=0.9, weight_decay=0)
    parameter.grad = torch.ones(3, 5)
    optimizer.step()
    first = parameter.detach().clone()
    assert (first < 0).all()
    parameter.grad = torch.zeros(3, 5)
    optimizer.step()
    assert (parameter < first).all()


def test_muon_leaves_alone_what_has_no_gradient():
    parameter = nn.Parameter(torch.ones(3, 5))
    Muon([parameter], 0.1, momentum=0.9, weight_decay=0.5).step()
    assert torch.equal(parameter, torch.ones(3, 5))


def test_muon_decays_weights():
    parameter = nn.Parameter(torch.ones(3, 5))
    parameter.grad = torch.zeros(3, 5)
    Muon([parameter], 0.1, momentum=0.9, weight_decay=0.5).step()
    assert torch.allclose(parameter, torch.full((3, 5), 0.95))


@pytest.mark.parametrize("recipe", [RECIPE, MUON])
def test_every_parameter_belongs_to_one_group_and_only_matrices_decay(recipe):
    module = network()
    groups = [group for optimizer in make_optimizers(module, recipe) for group in optimizer.param_groups]
    taken = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(taken) == sorted(id(parameter) for parameter in module.parameters())
    for group in groups:
        assert group["peak"] == group["lr"]
        for parameter in group["params"]:
            assert (group["weight_decay"] > 0) == (parameter.ndim >= 2)


def test_muon_takes_the_kernels_that_see_more_than_one_channel():
    module = network()
    adamw, muon = make_optimizers(module, MUON)
    assert [tuple(p.shape) for group in muon.param_groups for p in group["params"]] == [(6, 4, 3, 3)]
    assert (muon.param_groups[0]["lr"], muon.param_groups[0]["weight_decay"]) == (0.05, 0.2)
    assert (adamw.param_groups[0]["lr"], adamw.param_groups[0]["weight_decay"]) == (0.01, 0.1)


def test_a_network_without_kernels_has_nothing_for_muon():
    (adamw,) = make_optimizers(nn.Sequential(nn.Linear(4, 3)), MUON)
    assert isinstance(adamw, torch.optim.AdamW)
