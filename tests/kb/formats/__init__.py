"""Tests of kb.formats."""
