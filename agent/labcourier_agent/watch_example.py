"""A commented configuration of `watch`, to begin with."""

EXAMPLE = """\
# What `labcourier watch` sends. Try it with `labcourier watch --check`, which sends nothing.
# Lines that begin with # are comments: what stands in them is what holds without them, or an example.

# transfers = 4                       # files at once, for each dataset that is being sent
# datasets_at_once = 3                # further ones wait for their turn
# bwlimit = "08:00,5M 19:00,off"      # bytes a second of all together; or just "20M"; local time
# schedule = "19:00-07:00"            # send only then; looking goes on

[[folder]]
path = "/data/microscope"             # on Windows in single quotes: 'D:\\data'
# portal = "CRYO"                     # name of a connected portal; without it the default one
# label = ""                          # tells two entries for one path apart

# Which files make one dataset:
#   "fixed"         all of them (this is the default)
#   "subfolder"     one for each subfolder; "subfolder:2": two levels down. Files above are not sent.
#   "day"           one for each day (of the file's last change, local time)
#   'pattern:REGEX' one for each combination of the named groups of a regular expression, matched from the beginning
#                   of the path. Groups called title, name, description, investigation, recipients, keywords fill these;
#                   one called meta_NAME fills the metadata field NAME.
dataset = "subfolder"

# include = ["*.tif", "*.xml", "raw/**"]    # without it: everything
# exclude = ["*.tmp", "~*", "cache/"]       # names at any depth; with a / inside: a path; "name/" is a folder
# links = "skip"                            # "files": send what links to files lead to; "all": enter linked folders too

# Texts may have placeholders: {folder}; with "subfolder" {subfolder}, {part1}, {part2} ...; with "day" {day}; with a
# pattern its named groups.
title = "{subfolder}"
# name = ""                                 # ends the dataset's unique name at the portal; without it: the title
# description = "Recorded on {folder}."
# investigation = "EM-2026-4"
recipients = ["rita@example.org"]
# keywords = ["cryo", "{subfolder}"]
# metadata = { voltage = "300 kV" }

# What comes into a dataset's place after it was closed: "new" begins another dataset, "ignore" leaves it where it is.
# after_close = "new"

[folder.complete]                     # a file is sent when all of this holds
stable = 10                           # its size and time stayed the same for so long (seconds, or "2m")
# marker = "{name}.done"              # such a file is beside it: {name} is image.tif, {stem} is image; without either
#                                     # of them: a file of that name in its folder or above, up to the dataset's folder
# lock = true                         # no other program has it open for writing, as far as the system can tell
# newer = true                        # a file changed later is beside it (the last one goes when the dataset closes)

[folder.close]                        # a dataset is closed when one of these holds, and all is sent and verified
marker = "DONE"                       # a file of that name at the top of its folder; may be "{day}.end"
# idle = "2h"                         # nothing new or changed for so long (with "day": after the end of the day)
#                                     # with neither: by hand, `labcourier close NAME`

[folder.clean]                        # removes here what the portal has verified, and nothing else
# after = "14d"                       # so long after it was changed, and after it became safe to delete
# when = "dataset"                    # "file": single verified files, without waiting for the rest of their dataset
"""
