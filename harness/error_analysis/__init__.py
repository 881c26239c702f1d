"""Where models err: by label, by slice, by probability; and in what two runs differ."""
