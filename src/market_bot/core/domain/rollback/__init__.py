"""Whether a changed setting is kept or taken back: statistics of a trial, pure and reproducible."""
