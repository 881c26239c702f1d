"""What is a French string of a program's interface in English? 3,427 strings of Plone, mostly short.

Strings that share their French or their English are on one side. "${count}" and the like stand for what the program
fills in.
"""

from harness.data.po_files import strings_to_english

task = strings_to_english("fr", "French", 3_427)
