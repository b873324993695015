"""Rows in the API's shape, one module per group of the API: the inverse of what a connector does.

A row's key with a leading underscore is not an answer's field: filters and orders use it.
"""
