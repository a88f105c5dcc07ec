"""Ways out of a position, whoever opened it: one file each, exposing one object ``exit_rule``."""
