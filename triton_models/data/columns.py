"""The columns of each format, and what they are called."""

# Our columns of each format, with the names that need no mapping; a "?" marks what may be absent.
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "queries": {
        "query": ("query", "text", "utterance", "sentence"),
        "intent": ("intent", "labels", "label", "category"),
        "style?": ("style",),
        "category?": ("category",),
        "sentiment?": ("sentiment",),
    },
    "tagged": {  # a query and its spans, or tokens and their tags
        "query?": ("query",),
        "spans?": ("spans",),
        "tokens?": ("tokens",),
        "tags?": ("tags", "labels", "ner_tags"),
    },
    "pairs": {
        "query": ("query", "text"),
        "term": ("term", "title", "document"),
        "grade": ("grade", "match"),
    },
    "catalogue": {
        "id": ("id",),
        "title": ("title",),
        "category?": ("category",),
        "product?": ("product",),
        "brand?": ("brand",),
        "description?": ("description",),
    },
    "clicks": {
        "query": ("query",),
        "item": ("item", "id", "title"),
        "clicks": ("clicks", "count"),
        "impressions?": ("impressions",),
    },
}
USUAL = frozenset(n for names in COLUMNS.values() for usual in names.values() for n in usual)
# What no format needs: read in its usual spelling alone, since other files have such a column too.
OPTIONAL = {name[:-1] for names in COLUMNS.values() for name in names if name.endswith("?")} - {
    name for names in COLUMNS.values() for name in names
}
