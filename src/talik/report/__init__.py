"""The report: one self-contained page made from the tables and figures of a results folder."""
