# Fuzz targets of the layer http, as in base.mk.
