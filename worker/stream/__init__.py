"""Kafka, and nothing about queries."""
