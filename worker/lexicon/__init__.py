"""The knowledge base: shopping terms, their links, categories, attributes and vectors.

`build` turns a folder of source files into a built lexicon; `Lexicon` searches it.
"""
