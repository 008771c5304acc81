"""The production engine on one machine: python -m cluster (make cluster).

What the containers of docker-compose.yml hold, without containers: Temporal's own
server on PostgreSQL, two processes of each role, and the product with nothing embedded.
It may import everything; nothing imports it, and the product never needs it.
"""
