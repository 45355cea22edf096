"""Every reader of foreign bytes. A new one is one more entry of a list here."""

from __future__ import annotations

from data_targets import data_files, public_sets
from fuzzer import Target
from model_targets import brought_models
from run_targets import run_files


def all_targets() -> list[Target]:
    return [*data_files(), *public_sets(), *run_files(), *brought_models()]
