"""What is a Spanish string of a program's interface in English? 3,514 strings of Plone, mostly short.

Strings that share their Spanish or their English are on one side. "${count}" and the like stand for what the program
fills in.
"""

from harness.data.po_files import strings_to_english

task = strings_to_english("es", "Spanish", 3_514)
