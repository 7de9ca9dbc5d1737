"""Result files of other tools, read into one record: what was asked, what was answered, what was right."""
