"""Advisors: the Claude advisor, and a rule table that needs no key."""
