"""Which trainings of a list can run as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bruit.training.member import epochs_stored

if TYPE_CHECKING:
    from bruit.training.pool import Task

# Tasks, and the row of each on the board.
Group: TypeAlias = list[tuple[int, "Task"]]
# The most trainings that run as one.
AT_ONCE = 8


def alike(tasks: Group) -> list[Group]:
    """The tasks in their order, those together that follow each other and can run as one."""
    groups: list[Group] = []
    for row, task in tasks:
        if groups and len(groups[-1]) < AT_ONCE and all(fit_together(other, task) for _, other in groups[-1]):
            groups[-1].append((row, task))
        else:
            groups.append([(row, task)])
    return groups


def fit_together(one: Task, other: Task) -> bool:
    """Whether two trainings are of the same network by the same recipe, of as many batches in each epoch, which differ
    by one image at the most, and would go on after the same epoch.
    """
    recipe = one.recipe
    if recipe is None or (one.name, recipe) != (other.name, other.recipe):
        return False
    n, m = len(one.train), len(other.train)
    batches_per_epoch = recipe.batches_per_epoch(n)
    if batches_per_epoch != recipe.batches_per_epoch(m):
        return False
    epochs = zip(*(recipe.images_per_epoch(size) for size in (n, m)), batches_per_epoch, strict=True)
    if any(abs(seen - seen_by_other) > batches for seen, seen_by_other, batches in epochs):
        return False
    return epochs_stored(one.folder) == epochs_stored(other.folder)
