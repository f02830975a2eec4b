/* containers/stream/stream_ring.h: the layout of a stream's memory, and how it is accessed.
 *
 *     +------------------------------+--------------------------------------+
 *     | neap_stream_layout, 2 lines  | ring: block_count * block_bytes      |
 *     +------------------------------+--------------------------------------+
 *       line 0: fixed: magic, sizes    words; the last one is padded
 *       line 1: claimed, written,
 *               state, wakeup
 *
 * The layout is the same in private and in shared memory. A reader does not trust shared
 * memory: it checks the block size and count once and copies them (struct neap_stream). The
 * other numbers can at worst make it read other bytes of the ring.
 *
 * Only neap__ring_put and neap__ring_get (stream_copy.c) touch the data. In C they move whole
 * words with relaxed atomics. On x86-64 they move the same bytes with wider instructions, which
 * the C standard does not cover; the fences below then rely on the processor's order of loads
 * and stores. ThreadSanitizer does not support fences, so for it the words carry the order.
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
    _Atomic uint32_t sleepers; /* threads of this process that wait on the bell of a private stream */
    /* The writer's own copies, so that it does not depend on shared memory. */
    uint64_t written, claimed;
    size_t place;       /* written % ring_bytes */
    size_t claim_bytes; /* of the claim that may be committed; 0: there is none */
    /* The memory of the stream. */
    struct neap_allocator allocator; /* alloc == NULL: a mapping of its own */
    void *chunk;
    size_t chunk_bytes;
    struct neap_os_segment segment;
};

/* Bytes of layout and ring; 0 if a parameter is out of range or the sum is too large. */
size_t neap__ring_bytes(uint64_t block_bytes, uint64_t block_count);

/* Writes the fixed part of a zeroed layout. */
void neap__ring_format(struct neap_stream_layout *layout, size_t block_bytes, size_t block_count);

/* Sets up `stream` for the layout at `layout`, which is `bytes` long. NEAP_ERROR_FORMAT if it is not a
 * stream or is cut short. Sizes are copied, so that later changes of the layout do no harm. */
int neap__ring_adopt(struct neap_stream *stream, struct neap_stream_layout *layout, size_t bytes);

/* Copies `bytes`, at most the whole ring, to the ring at `place` and round its end. Only the writer
 * calls it. */
void neap__ring_put(struct neap_stream *stream, size_t place, const void *data, size_t bytes);

/* Copies `bytes`, at most the whole ring, from the ring at `place` and round its end. */
void neap__ring_get(const struct neap_stream *stream, size_t place, void *buffer, size_t bytes);

/* --- order in memory ------------------------------------------------------- */

#ifdef NEAP_RING_CHECKED_ORDER
#define NEAP_RING_LOAD  memory_order_acquire
#define NEAP_RING_STORE memory_order_release
#else
#define NEAP_RING_LOAD  memory_order_relaxed
#define NEAP_RING_STORE memory_order_relaxed
#endif

/* The writer calls it between the store of `claimed` and the data. */
static inline void neap__ring_claimed(void) {
#ifndef NEAP_RING_CHECKED_ORDER
    atomic_thread_fence(memory_order_release);
#endif
}

/* A reader calls it between the data and the load of `claimed`. */
static inline void neap__ring_taken(void) {
#ifndef NEAP_RING_CHECKED_ORDER
    atomic_thread_fence(memory_order_acquire);
#endif
}

/* Whether the stream is shared, and its memory turned out to be cut short: what was read of it may be zeros.
 */
static inline bool neap__ring_is_cut(const struct neap_stream *stream) {
    return neap_os_segment_is_cut(&stream->segment);
}

/* Whether the byte at `offset` has been overwritten, or may be at any moment. */
static inline bool neap__ring_lost(const struct neap_stream *stream, uint64_t offset) {
    uint64_t claimed = atomic_load_explicit(&stream->layout->claimed, memory_order_relaxed);
    return claimed > offset && claimed - offset > stream->ring_bytes;
}

#endif
