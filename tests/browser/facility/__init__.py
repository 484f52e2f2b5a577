"""A facility in the middle of its work: ``python -m tests.browser.facility`` fills a portal that does not run yet.

Everything happens in order through the portal's own services, with the clock moved to each moment; only bytes are
missing, so what is told here can be looked at but not downloaded.
"""
