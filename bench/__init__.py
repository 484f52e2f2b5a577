"""What Labcourier costs, measured beside plain tools in the same run. ``python -m bench`` runs all of it."""
