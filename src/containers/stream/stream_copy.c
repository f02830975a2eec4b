/* containers/stream/stream_copy.c: copies bytes into and out of a ring that other threads access. */
#include <assert.h>
#include <string.h>

#include "containers/stream/stream_ring.h"

/* Under sanitizers the C code is used, because they cannot check assembly. */
#if defined(__SANITIZE_ADDRESS__)
#define SEEN_IN_C 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEEN_IN_C 1
#endif
#endif

#if defined(__x86_64__) && !defined(NEAP_RING_CHECKED_ORDER) && !defined(SEEN_IN_C)
#define WIDE 1
#else
#define WIDE 0
#endif

#if WIDE

enum { WIDE_BYTES = 16, TURN_BYTES = 64 };

static inline void copy_turn(char *to, const char *from) {
    __asm__ volatile("movdqu (%1), %%xmm0\n\tmovdqu 16(%1), %%xmm1\n\t"
                     "movdqu 32(%1), %%xmm2\n\tmovdqu 48(%1), %%xmm3\n\t"
                     "movdqu %%xmm0, (%0)\n\tmovdqu %%xmm1, 16(%0)\n\t"
                     "movdqu %%xmm2, 32(%0)\n\tmovdqu %%xmm3, 48(%0)"
                     :
                     : "r"(to), "r"(from)
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
}

static inline void copy_wide(char *to, const char *from) {
    __asm__ volatile("movdqu (%1), %%xmm0\n\tmovdqu %%xmm0, (%0)" : : "r"(to), "r"(from) : "memory", "xmm0");
}

static void copy_short(char *to, const char *from, size_t bytes) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

/* One side is the ring. memcpy is not used, because the compiler may split it, and the standard forbids it
 * on bytes that are being written. Single words would take five times as long. */
static void copy(char *to, const char *from, size_t bytes) {
    if (bytes < WIDE_BYTES) {
        copy_short(to, from, bytes);
        return;
    }
    const char *end = from + bytes;
    for (; (size_t)(end - from) >= TURN_BYTES; from += TURN_BYTES, to += TURN_BYTES)
        copy_turn(to, from);
    for (; (size_t)(end - from) >= WIDE_BYTES; from += WIDE_BYTES, to += WIDE_BYTES)
        copy_wide(to, from);
    if (from < end) { /* the last 16 bytes, some of them again */
        size_t again = WIDE_BYTES - (size_t)(end - from);
        copy_wide(to - again, from - again);
    }
}

static void put(const struct neap_stream *stream, size_t place, const char *data, size_t bytes) {
    copy((char *)stream->ring + place, data, bytes);
}

static void get(const struct neap_stream *stream, size_t place, char *buffer, size_t bytes) {
    copy(buffer, (const char *)stream->ring + place, bytes);
}

#else

/* How much of [place, place + bytes) lies in the word at `place`. */
static inline size_t part_of_word(size_t place, size_t bytes) {
    size_t room = NEAP_RING_WORD_BYTES - place % NEAP_RING_WORD_BYTES;
    return bytes < room ? bytes : room;
}

/* A word that is replaced in part is loaded and stored as a whole. Its other bytes stay the same, because
 * there is only one writer. */
static void put(const struct neap_stream *stream, size_t place, const char *data, size_t bytes) {
    while (bytes > 0) {
        neap_ring_word *at = &stream->ring[place / NEAP_RING_WORD_BYTES];
        size_t part = part_of_word(place, bytes);
        uint64_t word = 0;
        if (part < NEAP_RING_WORD_BYTES)
            word = atomic_load_explicit(at, memory_order_relaxed);
        memcpy((char *)&word + place % NEAP_RING_WORD_BYTES, data, part);
        atomic_store_explicit(at, word, NEAP_RING_STORE);
        place += part;
        data += part;
        bytes -= part;
    }
}

static void get(const struct neap_stream *stream, size_t place, char *buffer, size_t bytes) {
    while (bytes > 0) {
        size_t part = part_of_word(place, bytes);
        uint64_t word = atomic_load_explicit(&stream->ring[place / NEAP_RING_WORD_BYTES], NEAP_RING_LOAD);
        memcpy(buffer, (char *)&word + place % NEAP_RING_WORD_BYTES, part);
        place += part;
        buffer += part;
        bytes -= part;
    }
}

#endif

/* How much of `bytes` from `place` on lies before the end of the ring. */
static size_t before_end(const struct neap_stream *stream, size_t place, size_t bytes) {
    assert(place < stream->ring_bytes && bytes <= stream->ring_bytes);
    return bytes < stream->ring_bytes - place ? bytes : stream->ring_bytes - place;
}

void neap__ring_put(struct neap_stream *stream, size_t place, const void *data, size_t bytes) {
    size_t first = before_end(stream, place, bytes);
    put(stream, place, data, first);
    if (first < bytes)
        put(stream, 0, (const char *)data + first, bytes - first);
}

void neap__ring_get(const struct neap_stream *stream, size_t place, void *buffer, size_t bytes) {
    size_t first = before_end(stream, place, bytes);
    get(stream, place, buffer, first);
    if (first < bytes)
        get(stream, 0, (char *)buffer + first, bytes - first);
}
