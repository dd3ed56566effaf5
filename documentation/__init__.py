"""What the pages under ``docs/`` have that is made, not written: references and the tables of benchmarks.

``hooks`` is what MkDocs calls; the others are pure functions of the recipe's schema, the Typer application and folders.
"""
