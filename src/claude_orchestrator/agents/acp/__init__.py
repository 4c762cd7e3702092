"""Any program that speaks the Agent Client Protocol as an agent; we are its client."""
