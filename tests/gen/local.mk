noinst_PROGRAMS += tests/gen/bidui_gen
tests_gen_bidui_gen_SOURCES = tests/gen/bidui_gen.c tests/gen/faults.c tests/gen/faults.h tests/gen/invent.c tests/gen/invent.h
tests_gen_bidui_gen_CPPFLAGS = $(AM_CPPFLAGS)
