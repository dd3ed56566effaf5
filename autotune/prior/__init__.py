"""Knowing before trying: what a set of float operators will cost in time and in accuracy, and which sets to try.

``gain``: time, from profiles. ``cost``: accuracy, from what ``quantize.sensitivity`` finds. Trials correct both.
``knapsack``: the fastest sets within a budget of accuracy cost. Pure: numbers in, numbers out.
"""
