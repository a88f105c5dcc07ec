"""Telling the operator what happened."""
