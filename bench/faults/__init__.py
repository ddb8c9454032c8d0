"""Faults on purpose: what is lost or doubled when processes die, brokers vanish and connections break.

Each program prints a verdict (lost / doubled / unexpected / recovered) and its seed; docs/reliability.md
says what they showed. `python -m bench.faults.g01 --help` and so on.
"""
