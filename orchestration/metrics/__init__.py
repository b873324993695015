"""What every figure means and where its rows are, read from the metric catalogue.

Belongs here: reading the catalogue (`registry`) and writing the SQL of a figure and of its rows (`drilldown`).
Not here: the figures themselves (`models/marts/`) and the catalogue's words (`seeds/metric_catalogue.csv`).
"""
