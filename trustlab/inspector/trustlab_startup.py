"""IPython runs this when a kernel of this environment starts; the wheel lays it into `etc/ipython/startup`.

A kernel that was restarted has not imported trustlab, and so could not say what to do about the names that are gone.
"""

try:
    import trustlab  # registers the word of help

    del trustlab
except ImportError:  # the package was removed, and this file was left
    pass
