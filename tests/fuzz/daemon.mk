# Fuzz targets of the layer daemon, as in base.mk.
