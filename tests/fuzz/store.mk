# Fuzz targets of the layer store, as in base.mk.
