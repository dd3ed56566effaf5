"""Knowing before trying: what a set of float operators will cost in time and in accuracy, and which sets to try.

``gain``: time, from profiles, corrected by trials. ``knapsack``: the fastest sets within a budget of accuracy cost.
The costs in accuracy come from ``quantize.sensitivity``. Pure: numbers in, numbers out.
"""
