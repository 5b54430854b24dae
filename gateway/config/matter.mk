# Reads matters for the answer layer; apart, because it fills another layer's plain data.
libbd_config_a_SOURCES += gateway/config/matter.c gateway/config/matter.h
