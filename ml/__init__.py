"""Learning from examples; knows no patient, no vault, no screen."""

import os

# ONNX Runtime (1.29 and later) reports models, sessions and a device id to its maker over the network, unless
# this is set before it is loaded. It is loaded below this room alone, so here is the one place for it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
