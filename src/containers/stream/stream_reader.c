/* containers/stream/stream_reader.c: readers: their position, reading, and catching up. */
#include <assert.h>
#include <string.h>

#include "base/word.h"
#include "containers/stream/stream_reader.h"
#include "containers/stream/stream_ring.h"
#include "os/clock.h"
#include "os/futex.h"

enum {
    PART_BYTES = 64 * 1024, /* verified at once; one lost byte discards all of it */
    OVERTAKEN_MAX = 40,     /* a reader that skips twice as far each time reaches the end before */
    LOOK_MS = 200           /* how often a sleeper checks that the writing process is alive */
};

_Static_assert(sizeof(struct neap_stream_reader) <= 32, "promised: thousands of readers are small");

/* --- where it is --------------------------------------------------------------- */

static void reader_put(struct neap_stream_reader *reader, uint64_t offset) {
    const struct neap_stream *stream = reader->stream;
    size_t place = (size_t)(offset % stream->ring_bytes);
    reader->offset = offset;
    reader->block = (uint32_t)(place / stream->block_bytes) & INT32_MAX;
    reader->within = (uint32_t)(place % stream->block_bytes);
}

/* The same for a step that rarely crosses more than one end of a block, so that it needs no division. */
static inline void reader_step(struct neap_stream_reader *reader, size_t bytes) {
    const struct neap_stream *stream = reader->stream;
    size_t left = stream->block_bytes - reader->within;
    if (NEAP_UNLIKELY(bytes > left)) {
        reader_put(reader, reader->offset + bytes);
        return;
    }
    reader->offset += bytes;
    if (bytes < left) {
        reader->within += (uint32_t)bytes;
        return;
    }
    reader->within = 0;
    uint32_t next = reader->block + 1u;
    reader->block = next == stream->block_count ? 0 : next & INT32_MAX;
}

static inline size_t reader_place(const struct neap_stream_reader *reader) {
    return (size_t)reader->block * reader->stream->block_bytes + reader->within;
}

/* Moves to the oldest block, or further ahead if this call was overtaken before. */
static void reader_fall(struct neap_stream_reader *reader, uint64_t written, unsigned overtaken) {
    const struct neap_stream *stream = reader->stream;
    uint64_t claimed = atomic_load_explicit(&stream->layout->claimed, memory_order_relaxed);
    uint64_t ahead =
        overtaken == 0 ? 0 : (uint64_t)stream->block_bytes << (overtaken - 1 < 31 ? overtaken - 1 : 31);
    uint64_t lowest = claimed - stream->ring_bytes + ahead;
    uint64_t past = lowest % stream->block_bytes;
    uint64_t target = past == 0 ? lowest : lowest - past + stream->block_bytes;
    if (target > written)
        target = written;
    if (target > reader->offset) {
        reader->missed_bytes += target - reader->offset;
        reader_put(reader, target);
    }
}

/* Moves the reader if it was overtaken; returns how many bytes it can read. */
static inline size_t reader_available(struct neap_stream_reader *reader, unsigned overtaken) {
    const struct neap_stream *stream = reader->stream;
    uint64_t written = atomic_load_explicit(&stream->layout->written, memory_order_acquire);
    bool lost = neap__ring_lost(stream, reader->offset);
    if (NEAP_UNLIKELY(neap__ring_is_cut(stream)))
        return 0; /* these numbers may be zeros */
    if (NEAP_UNLIKELY(lost))
        reader_fall(reader, written, overtaken);
    if (written <= reader->offset)
        return 0;
    uint64_t bytes = written - reader->offset;
    return bytes < stream->ring_bytes ? (size_t)bytes : stream->ring_bytes;
}

void neap_stream_reader_open(struct neap_stream_reader *reader, neap_stream_t *stream, uint64_t back_bytes) {
    uint64_t written = neap_stream_written(stream);
    *reader = (struct neap_stream_reader){.stream = stream};
    reader_put(reader, back_bytes < written ? written - back_bytes : 0);
    reader_available(reader, 0);
    reader->missed_bytes = 0;
}

void neap_stream_reader_open_at(struct neap_stream_reader *reader, neap_stream_t *stream, uint64_t offset) {
    uint64_t written = neap_stream_written(stream);
    *reader = (struct neap_stream_reader){.stream = stream};
    reader_put(reader, offset < written ? offset : written);
    reader_available(reader, 0);
    reader->missed_bytes = 0;
}

uint64_t neap_stream_reader_lag(struct neap_stream_reader *reader) {
    return reader_available(reader, 0);
}

/* --- taking -------------------------------------------------------------------- */

/* Copies without moving the reader; false if the bytes were overwritten. */
static inline bool reader_take(const struct neap_stream_reader *reader, void *buffer, size_t bytes) {
    neap__ring_get(reader->stream, reader_place(reader), buffer, bytes);
    neap__ring_taken();
    return !neap__ring_lost(reader->stream, reader->offset) && !neap__ring_is_cut(reader->stream);
}

size_t neap_stream_reader_read(struct neap_stream_reader *reader, void *buffer, size_t bytes) {
    size_t done = 0;
    for (unsigned overtaken = 0; done < bytes && overtaken < OVERTAKEN_MAX;) {
        const struct neap_stream_reader before = *reader;
        size_t part = reader_available(reader, overtaken);
        if (done > 0 && reader->offset != before.offset) {
            *reader = before; /* the next call moves it; moving it here would put a gap into the result */
            break;
        }
        if (part == 0)
            break;
        part = part < bytes - done ? part : bytes - done;
        part = part < PART_BYTES ? part : PART_BYTES;
        if (reader_take(reader, (char *)buffer + done, part)) {
            reader_step(reader, part);
            done += part;
        } else if (done > 0) {
            break;
        } else {
            overtaken++;
        }
    }
    return done;
}

/* Bytes of the reader's block that can be read, if it is complete or the stream has ended. */
static inline size_t reader_block_rest(struct neap_stream_reader *reader, unsigned overtaken) {
    size_t available = reader_available(reader, overtaken);
    size_t rest = reader->stream->block_bytes - reader->within;
    if (NEAP_LIKELY(available >= rest))
        return rest;
    if (available == 0 || neap_stream_state(reader->stream) == NEAP_STREAM_LIVE)
        return 0;
    available = reader_available(reader, overtaken); /* includes bytes written just before the end */
    rest = reader->stream->block_bytes - reader->within;
    return available < rest ? available : rest;
}

size_t neap_stream_reader_read_block(struct neap_stream_reader *reader, void *buffer) {
    for (unsigned overtaken = 0; overtaken < OVERTAKEN_MAX; overtaken++) {
        size_t bytes = reader_block_rest(reader, overtaken);
        if (bytes == 0)
            return 0;
        if (NEAP_LIKELY(reader_take(reader, buffer, bytes))) {
            reader_step(reader, bytes);
            return bytes;
        }
    }
    return 0;
}

bool neap_stream_reader_next(struct neap_stream_reader *reader, struct neap_span *block) {
    size_t bytes = reader_block_rest(reader, 0);
    if (bytes == 0)
        return false;
    *block = (struct neap_span){(char *)reader->stream->ring + reader_place(reader), bytes};
    return true;
}

unsigned neap_stream_reader_peek(struct neap_stream_reader *reader, size_t bytes, struct neap_span spans[2]) {
    size_t available = reader_available(reader, 0);
    if (bytes > available)
        bytes = available;
    if (bytes == 0)
        return 0;
    char *ring = (char *)reader->stream->ring;
    size_t place = reader_place(reader), room = reader->stream->ring_bytes - place;
    spans[0] = (struct neap_span){ring + place, bytes < room ? bytes : room};
    if (bytes <= room)
        return 1;
    spans[1] = (struct neap_span){ring, bytes - room};
    return 2;
}

bool neap_stream_reader_done(struct neap_stream_reader *reader, size_t bytes) {
    neap__ring_taken();
    if (NEAP_UNLIKELY(neap__ring_lost(reader->stream, reader->offset) || neap__ring_is_cut(reader->stream))) {
        reader_available(reader, 0);
        return false;
    }
    reader_step(reader, bytes);
    return true;
}

size_t neap__stream_reader_copy(struct neap_stream_reader *reader, void *buffer, size_t bytes) {
    struct neap_stream_reader ahead = *reader;
    size_t got = neap_stream_reader_read(&ahead, buffer, bytes);
    reader->missed_bytes = ahead.missed_bytes;
    reader_put(reader, ahead.offset - got);
    return got;
}

void neap__stream_reader_skip(struct neap_stream_reader *reader, size_t bytes) {
    reader_step(reader, bytes);
}

/* --- waiting ------------------------------------------------------------------- */

static bool reader_ready(struct neap_stream_reader *reader, uint64_t bytes) {
    size_t there = bytes == 0 ? reader_block_rest(reader, 0) : reader_available(reader, 0);
    if (there > 0 && there >= bytes) {
        reader->told_of_death = 0;
        return true;
    }
    enum neap_stream_state state = neap_stream_state(reader->stream);
    bool told = reader->told_of_death;
    reader->told_of_death = state == NEAP_STREAM_DIED;
    return state != NEAP_STREAM_LIVE && !(state == NEAP_STREAM_DIED && told);
}

bool neap_stream_reader_wait(struct neap_stream_reader *reader, uint64_t bytes, uint32_t ms) {
    struct neap_stream *stream = reader->stream;
    const uint64_t start_ns = neap_os_now_ns();
    bool ready, undisturbed = true;
    if (bytes > stream->ring_bytes)
        bytes = stream->ring_bytes; /* there are never more at once */
    atomic_fetch_add(&stream->sleepers, 1);
    for (;;) {
        uint32_t seen = atomic_load(&stream->layout->wakeup);
        uint64_t passed_ms = (neap_os_now_ns() - start_ns) / 1000000;
        ready = reader_ready(reader, bytes);
        if (ready || !undisturbed || (ms != 0 && passed_ms >= ms))
            break;
        uint32_t span_ms = ms != 0 ? ms - (uint32_t)passed_ms : 0;
        if (stream->shared && (span_ms == 0 || span_ms > LOOK_MS))
            span_ms = LOOK_MS;
        undisturbed =
            neap_os_futex_wait((const uint32_t *)&stream->layout->wakeup, seen, span_ms, stream->shared);
    }
    atomic_fetch_sub(&stream->sleepers, 1);
    return ready;
}
