/* neap.h: includes all headers of the C library. Compile with `pkg-config --cflags --libs neap`. */
#ifndef NEAP_NEAP_H
#define NEAP_NEAP_H

#include <neap/allocator.h>
#include <neap/bits.h>
#include <neap/error.h>
#include <neap/frozen_trie.h>
#include <neap/heap.h>
#include <neap/kind.h>
#include <neap/map.h>
#include <neap/stream.h>
#include <neap/trie.h>
#include <neap/version.h>

#endif
