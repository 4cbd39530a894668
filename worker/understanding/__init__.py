"""From a query's text to its enrichment. Knows nothing about Kafka."""
