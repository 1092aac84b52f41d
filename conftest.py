"""What is collected: fastloss.plot and its examples only where Matplotlib, which it cannot be imported without, is."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("matplotlib") else ["fastloss/plot.py"]
