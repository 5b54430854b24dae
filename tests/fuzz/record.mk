# Fuzz targets of the layer record, as in base.mk.
