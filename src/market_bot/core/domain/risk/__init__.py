"""Hard limits: one file per rule, each exposing one object named ``rule``."""
