"""The main job: train, cross-validate, evaluate, report."""
