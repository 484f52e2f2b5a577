"""How the portal is run: on one machine by ``python -m deploy.one_machine``, elsewhere by systemd or containers."""
