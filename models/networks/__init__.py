"""The encoders, decoders and discriminators, as functions of the image shape and the number of latents."""
