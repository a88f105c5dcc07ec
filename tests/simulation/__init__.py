"""The whole system under one seeded scheduler: no threads, no waiting, faults at every port.

A seed decides everything: the markets, the strategy's whims, what breaks and when, and which of
the workers that are due comes first. So a failure is repeated by its seed alone.
"""
