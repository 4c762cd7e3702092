"""The MCP server: tools, resources and prompts for agents and for people who work in one.

A face: it parses, calls what is below, and shows the answer. State is in the database alone, so the process can be
killed at any time. Nothing else imports this room, and only this room imports ``mcp``.
"""
