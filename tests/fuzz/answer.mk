# Fuzz targets of the layer answer, as in base.mk.
