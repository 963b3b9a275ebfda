"""The whole pipeline: told everything, asked for nothing. `feed` takes market records, `apply` all else, both give acts."""
