"""query-worker: raw search queries in from Kafka, understood events out."""

__version__ = "0.1.0"
