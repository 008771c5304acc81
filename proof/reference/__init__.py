"""What must come of a history, by the law and the Office's pages; no product code.

Written from domain.md, whose sections are cited ("§7"), and from the values of the
policy by name where our choice decides. Dates are its own. `whole` passes over the
instants at which something was told or a day began; of each dossier, `standing` says
what is so on a day, `hearing` takes in what is told, `following` what is owed then.
"""
