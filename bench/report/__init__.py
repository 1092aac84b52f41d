"""What is written of a run: the JSON document, tables, pages, figures."""
