"""The portal's pages: what a person reads in a browser, French first.

May import what the other doors import (records, letters' wording, workflows, rules);
must never hold a sentence outside words.toml, nor show what api/v1/discretion.py keeps.
"""
