"""Checks an order and prices it."""
