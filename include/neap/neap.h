/* neap.h: all of the C library. `pkg-config --cflags --libs neap`. */
#ifndef NEAP_NEAP_H
#define NEAP_NEAP_H

#include <neap/error.h>
#include <neap/heap.h>

#endif
