"""Properties of the marts that hold for every company: small generated companies, run through the real models."""
