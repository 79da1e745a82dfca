"""Why the text model says what it says: attributions by occlusion, without torch."""
