"""How the generated pages and documents are made; `docs/build_catalogue.py` writes them."""
