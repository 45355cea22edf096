"""Models of other programs: as Predictors on the way in, and as files for those programs on the way out."""
