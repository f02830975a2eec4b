/* containers/stream/stream_ring.h: what lies in a stream's chunk, and who looks at it how.
 *
 *     +------------------------------+--------------------------------------+
 *     | neap_stream_layout, 2 lines  | ring: block_count * block_bytes      |
 *     +------------------------------+--------------------------------------+
 *       line 0: what it is, fixed      words, the last one filled up
 *       line 1: claimed, written,
 *               state, wakeup
 *
 * The same in private and in shared memory, of one byte order; a reader of shared memory
 * believes none of it: the measures are checked once and copied (struct neap_stream), and the
 * rest are numbers that can at worst make it read other bytes of the ring.
 *
 * Data is only touched by neap__ring_put and neap__ring_get (stream_copy.c). In C they move
 * whole words, relaxed; x86-64 moves the same bytes by wider instructions, outside of what the
 * C standard speaks of, on whose order of loads and stores the fences below stand.
 * ThreadSanitizer knows no fences: for it, the words themselves carry the order.
 */
#ifndef NEAP_CONTAINERS_STREAM_STREAM_RING_H
#define NEAP_CONTAINERS_STREAM_STREAM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/stream.h>

#include "os/segment.h"

#if defined(__SANITIZE_THREAD__)
#define NEAP_RING_CHECKED_ORDER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NEAP_RING_CHECKED_ORDER 1
#endif
#endif

typedef _Atomic uint64_t neap_ring_word;

enum { NEAP_STREAM_VERSION = 1, NEAP_STREAM_LINE_BYTES = 64, NEAP_RING_WORD_BYTES = 8 };
enum { NEAP_STREAM_BYTE_ORDER = 0x01020304 };

struct neap_stream_layout {
    char magic[12]; /* "neap-stream" */
    uint32_t version, byte_order, header_bytes;
    uint64_t block_bytes, block_count;
    uint64_t reserved[3];
    _Alignas(NEAP_STREAM_LINE_BYTES) _Atomic uint64_t claimed; /* bytes below may be half written */
    _Atomic uint64_t written;                                  /* bytes below are written; <= claimed */
    _Atomic uint32_t state;                                    /* enum neap_stream_state, never DIED */
    _Atomic uint32_t wakeup;                                   /* counts changes, for those who sleep */
    uint64_t quiet[5];
};
_Static_assert(sizeof(struct neap_stream_layout) == (size_t)2 * NEAP_STREAM_LINE_BYTES,
               "part of the shared format");

struct neap_stream {
    struct neap_stream_layout *layout;
    neap_ring_word *ring;
    size_t ring_bytes, block_bytes, block_count;
    bool shared;
    _Atomic uint32_t sleepers; /* in this process, on a private stream */
    /* The writer's own, so that it believes nothing of shared memory either. */
    uint64_t written, claimed;
    size_t place; /* written % ring_bytes */
    /* Where the memory is from. */
    struct neap_allocator allocator; /* without an alloc: a mapping of its own */
    void *chunk;
    size_t chunk_bytes;
    struct neap_os_segment segment;
};

/* Bytes of layout and ring; 0 if a measure is out of range or the sum too large. */
size_t neap__ring_bytes(uint64_t block_bytes, uint64_t block_count);

/* Writes the fixed part of a fresh, zeroed layout. */
void neap__ring_format(struct neap_stream_layout *layout, size_t block_bytes, size_t block_count);

/* Sets up `stream` to read what lies at `layout`, `bytes` long; NEAP_ERROR_FORMAT if that is no
 * stream or not whole. Nothing else of it is believed later on. */
int neap__ring_adopt(struct neap_stream *stream, struct neap_stream_layout *layout, size_t bytes);

/* Copies `bytes` to the ring at `place`, around its end; at most the ring. The one writer. */
void neap__ring_put(struct neap_stream *stream, size_t place, const void *data, size_t bytes);

/* Copies `bytes` from the ring at `place`, around its end; at most the ring. */
void neap__ring_get(const struct neap_stream *stream, size_t place, void *buffer, size_t bytes);

/* --- order in memory ------------------------------------------------------- */

#ifdef NEAP_RING_CHECKED_ORDER
#define NEAP_RING_LOAD  memory_order_acquire
#define NEAP_RING_STORE memory_order_release
#else
#define NEAP_RING_LOAD  memory_order_relaxed
#define NEAP_RING_STORE memory_order_relaxed
#endif

/* Between the writer's claim and its data. */
static inline void neap__ring_claimed(void) {
#ifndef NEAP_RING_CHECKED_ORDER
    atomic_thread_fence(memory_order_release);
#endif
}

/* Between the reader's data and its look at the claim. */
static inline void neap__ring_taken(void) {
#ifndef NEAP_RING_CHECKED_ORDER
    atomic_thread_fence(memory_order_acquire);
#endif
}

/* Whether the byte at `offset` is gone from the ring, or about to be. */
static inline bool neap__ring_lost(const struct neap_stream *stream, uint64_t offset) {
    uint64_t claimed = atomic_load_explicit(&stream->layout->claimed, memory_order_relaxed);
    return claimed > offset && claimed - offset > stream->ring_bytes;
}

#endif
