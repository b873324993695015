"""The rules a company edits as CSV files in `seeds/`: reading them as people wrote them, and saying what is wrong."""
