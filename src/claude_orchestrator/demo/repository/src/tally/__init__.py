"""Invoices that add up."""
