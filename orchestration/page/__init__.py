"""The KPI page as one HTML file that needs no server and no network.

Belongs here: collecting a viewer's pages from the blocks of `report/`, the rows behind them, and writing the file.
Not here: what a figure is (the blocks and the models), or its words (`report/labels.py`).
"""
