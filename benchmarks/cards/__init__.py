"""The card's four marts, made by several contestants from the same landed files, each in a process of its own.

Belongs here: the contestants, the check that they all made the same rows, and the measurement. Not here: the other
parts of the benchmark (the modules above).
"""
