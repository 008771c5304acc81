"""Certificates that exist elsewhere, brought in from one file.

A file is read, each line judged, and what may be made is made in batches, once. May
import what intake may; never guesses at what a line means.
"""
