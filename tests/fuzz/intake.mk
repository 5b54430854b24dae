# Fuzz targets of the layer intake, as in base.mk.
