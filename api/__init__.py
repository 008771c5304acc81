"""
The doors: what people and machines ask over HTTP, as JSON under /api/v1.

May import everything but activities and embedded. Must never decide what the law says
nor write what a story keeps: it asks the story, or tells it a fact.
"""
