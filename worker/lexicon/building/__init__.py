"""Makes a lexicon from what a shop has: catalogue, taxonomy, synonyms, query logs, lists."""
