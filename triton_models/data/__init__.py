"""What users bring, read by a manifest: labelled queries, judged pairs, catalogues, click logs."""
