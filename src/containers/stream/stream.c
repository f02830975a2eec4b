/* containers/stream/stream.c: makes and ends streams, and writes to them. */
#include <assert.h>
#include <string.h>

#include "base/word.h"
#include "containers/stream/stream_ring.h"
#include "os/futex.h"
#include "os/memory.h"

/* --- measures and layout ----------------------------------------------------- */

static const char magic[12] = "neap-stream";

size_t neap__ring_bytes(uint64_t block_bytes, uint64_t block_count) {
    if (block_bytes == 0 || block_bytes > UINT32_MAX || block_count == 0 || block_count > INT32_MAX)
        return 0;
    uint64_t ring = block_bytes * block_count; /* no overflow: both have 32 bits */
    uint64_t most = SIZE_MAX / 2 - sizeof(struct neap_stream_layout) - NEAP_RING_WORD_BYTES;
    if (ring > most)
        return 0;
    return sizeof(struct neap_stream_layout) + neap_word_round_up_size((size_t)ring, NEAP_RING_WORD_BYTES);
}

void neap__ring_format(struct neap_stream_layout *layout, size_t block_bytes, size_t block_count) {
    memcpy(layout->magic, magic, sizeof(magic));
    layout->version = NEAP_STREAM_VERSION;
    layout->byte_order = NEAP_STREAM_BYTE_ORDER;
    layout->header_bytes = sizeof(*layout);
    layout->block_bytes = block_bytes;
    layout->block_count = block_count;
}

int neap__ring_adopt(struct neap_stream *stream, struct neap_stream_layout *layout, size_t bytes) {
    if (bytes < sizeof(*layout) || memcmp(layout->magic, magic, sizeof(magic)) != 0 ||
        layout->version != NEAP_STREAM_VERSION || layout->byte_order != NEAP_STREAM_BYTE_ORDER ||
        layout->header_bytes != sizeof(*layout))
        return NEAP_ERROR_FORMAT;
    /* Read once, because another process may change the memory between a check and a use. */
    uint64_t block_bytes = *(volatile uint64_t *)&layout->block_bytes;
    uint64_t block_count = *(volatile uint64_t *)&layout->block_count;
    size_t needed = neap__ring_bytes(block_bytes, block_count);
    if (needed == 0 || needed > bytes)
        return NEAP_ERROR_FORMAT;
    stream->layout = layout;
    stream->ring = (neap_ring_word *)(layout + 1);
    stream->block_bytes = (size_t)block_bytes;
    stream->block_count = (size_t)block_count;
    stream->ring_bytes = (size_t)(block_bytes * block_count);
    return NEAP_OK;
}

/* --- life ---------------------------------------------------------------------- */

/* Allocates `bytes`, all zero and all in memory. */
static void *chunk_new(const struct neap_allocator *allocator, size_t bytes) {
    void *chunk = NULL;
    if (bytes > neap_os_memory_bytes())
        return NULL; /* the system might grant it and end the process when it is touched */
    if (allocator)
        chunk = allocator->alloc(allocator->context, bytes);
    else if (neap_os_reserve(bytes, 0, &chunk) == NEAP_OK && neap_os_commit(chunk, bytes) != NEAP_OK) {
        neap_os_release(chunk, bytes);
        chunk = NULL;
    }
    if (chunk)
        memset(chunk, 0, bytes);
    return chunk;
}

neap_stream_t *neap_stream_new(size_t block_bytes, size_t block_count,
                               const struct neap_allocator *allocator) {
    size_t bytes = neap__ring_bytes(block_bytes, block_count);
    if (bytes == 0)
        return NULL;
    /* The allocator aligns to 16, but the layout must begin at a cache line. */
    bytes += neap_word_round_up_size(sizeof(struct neap_stream), 16) + NEAP_STREAM_LINE_BYTES - 16;
    if (!allocator)
        bytes = neap_word_round_up_size(bytes, neap_os_page_bytes());
    struct neap_stream *stream = chunk_new(allocator, bytes);
    if (!stream)
        return NULL;
    stream->chunk = stream;
    stream->chunk_bytes = bytes;
    if (allocator)
        stream->allocator = *allocator;
    char *behind = (char *)(stream + 1);
    struct neap_stream_layout *layout =
        (void *)(behind + (-(uintptr_t)behind & (NEAP_STREAM_LINE_BYTES - 1)));
    neap__ring_format(layout, block_bytes, block_count);
    int adopted = neap__ring_adopt(stream, layout, bytes - (size_t)((char *)layout - (char *)stream));
    assert(adopted == NEAP_OK);
    (void)adopted;
    return stream;
}

void neap_stream_destroy(neap_stream_t *stream) {
    if (!stream)
        return;
    if (stream->shared)
        neap_os_segment_close(&stream->segment);
    if (stream->allocator.alloc)
        stream->allocator.free(stream->allocator.context, stream->chunk, stream->chunk_bytes);
    else
        neap_os_release(stream->chunk, stream->chunk_bytes);
}

/* --- the writer ------------------------------------------------------------------ */

bool neap_stream_writes(const neap_stream_t *stream) {
    return !stream->shared || stream->segment.writing;
}

/* After an access of the writer to the ring: NEAP_ERROR_FORMAT if it went to a lost page. */
static inline int still_whole(const struct neap_stream *stream) {
    return NEAP_UNLIKELY(neap__ring_is_cut(stream)) ? NEAP_ERROR_FORMAT : NEAP_OK;
}

static inline int may_write(const struct neap_stream *stream) {
    if (NEAP_UNLIKELY(!neap_stream_writes(stream)))
        return NEAP_ERROR_PERMISSION;
    uint32_t state = atomic_load_explicit(&stream->layout->state, memory_order_relaxed);
    return NEAP_LIKELY(state == NEAP_STREAM_LIVE) ? still_whole(stream) : NEAP_ERROR_ARGUMENT;
}

/* A claim is never lowered, because bytes below it may have been written. */
static inline void claim_to(struct neap_stream *stream, uint64_t end) {
    if (end > stream->claimed) {
        stream->claimed = end;
        atomic_store_explicit(&stream->layout->claimed, end, memory_order_relaxed);
    }
    neap__ring_claimed();
}

/* Sequentially consistent, as is the sleeper's side: either it sees the wakeup, or we see it. Sleepers
 * of other processes can be seen by nobody, since they may not write here. */
static inline void wake_sleepers(struct neap_stream *stream) {
    atomic_fetch_add(&stream->layout->wakeup, 1);
    if (stream->shared || atomic_load(&stream->sleepers) != 0)
        neap_os_futex_wake((const uint32_t *)&stream->layout->wakeup, stream->shared);
}

/* Whatever was claimed before is no place for the next bytes any more. */
static inline void publish(struct neap_stream *stream, size_t place, uint64_t written) {
    stream->claim_bytes = 0;
    stream->place = place < stream->ring_bytes ? place : place - stream->ring_bytes;
    stream->written = written;
    atomic_store_explicit(&stream->layout->written, written, memory_order_release);
    wake_sleepers(stream);
}

int neap_stream_write(neap_stream_t *stream, const void *data, size_t bytes) {
    int error = may_write(stream);
    if (NEAP_UNLIKELY(error != NEAP_OK || bytes == 0))
        return error;
    uint64_t end = stream->written + bytes;
    size_t place = stream->place;
    claim_to(stream, end);
    if (NEAP_UNLIKELY(bytes > stream->ring_bytes)) { /* the last bytes would overwrite the first ones */
        size_t skip = bytes - stream->ring_bytes;
        place = (place + skip % stream->ring_bytes) % stream->ring_bytes;
        data = (const char *)data + skip;
        bytes -= skip;
    }
    neap__ring_put(stream, place, data, bytes);
    publish(stream, place + bytes, end);
    return still_whole(stream);
}

int neap_stream_claim(neap_stream_t *stream, size_t bytes, struct neap_span *span) {
    int error = may_write(stream);
    if (error == NEAP_OK && bytes == 0)
        error = NEAP_ERROR_ARGUMENT;
    if (error != NEAP_OK)
        return error;
    size_t room = stream->ring_bytes - stream->place;
    if (bytes > room)
        bytes = room;
    claim_to(stream, stream->written + bytes);
    stream->claim_bytes = bytes;
    *span = (struct neap_span){(char *)stream->ring + stream->place, bytes};
    return NEAP_OK;
}

int neap_stream_commit(neap_stream_t *stream, size_t bytes) {
    int error = may_write(stream);
    if (error == NEAP_OK && bytes > stream->claim_bytes)
        error = NEAP_ERROR_ARGUMENT;
    if (error != NEAP_OK)
        return error;
    stream->claim_bytes = 0;
    if (bytes > 0)
        publish(stream, stream->place + bytes, stream->written + bytes);
    return still_whole(stream);
}

int neap_stream_close(neap_stream_t *stream) {
    if (!neap_stream_writes(stream))
        return NEAP_ERROR_PERMISSION;
    if (may_write(stream) != NEAP_ERROR_ARGUMENT) { /* also if its memory was cut short */
        if (stream->shared) /* first, because a process that sees the end may take the name */
            neap_os_segment_unname(&stream->segment);
        atomic_store_explicit(&stream->layout->state, NEAP_STREAM_CLOSED, memory_order_release);
        wake_sleepers(stream);
    }
    return NEAP_OK;
}

/* --- properties -------------------------------------------------------------------- */

enum neap_stream_state neap_stream_state(const neap_stream_t *stream) {
    const _Atomic uint32_t *state = &stream->layout->state;
    if (atomic_load_explicit(state, memory_order_acquire) == NEAP_STREAM_CLOSED)
        return NEAP_STREAM_CLOSED;
    if (neap__ring_is_cut(stream))
        return NEAP_STREAM_CUT;
    if (!stream->shared || neap_os_segment_has_writer(&stream->segment))
        return NEAP_STREAM_LIVE;
    /* The writer may have closed it between the two loads. */
    return atomic_load_explicit(state, memory_order_acquire) == NEAP_STREAM_CLOSED ? NEAP_STREAM_CLOSED
                                                                                   : NEAP_STREAM_DIED;
}

uint64_t neap_stream_written(const neap_stream_t *stream) {
    return atomic_load_explicit(&stream->layout->written, memory_order_acquire);
}

uint64_t neap_stream_oldest(const neap_stream_t *stream) {
    uint64_t written = neap_stream_written(stream);
    uint64_t claimed = atomic_load_explicit(&stream->layout->claimed, memory_order_relaxed);
    uint64_t lowest = claimed > stream->ring_bytes ? claimed - stream->ring_bytes : 0;
    uint64_t past = lowest % stream->block_bytes;
    uint64_t oldest = past == 0 ? lowest : lowest - past + stream->block_bytes;
    return oldest < written ? oldest : written;
}

size_t neap_stream_block_bytes(const neap_stream_t *stream) {
    return stream->block_bytes;
}

size_t neap_stream_block_count(const neap_stream_t *stream) {
    return stream->block_count;
}

size_t neap_stream_memory_bytes(const neap_stream_t *stream) {
    return stream->chunk_bytes + (stream->shared ? stream->segment.bytes : 0);
}

bool neap_stream_check(const neap_stream_t *stream, const char **why) {
    const struct neap_stream_layout *layout = stream->layout;
    uint64_t written = atomic_load(&layout->written), claimed = atomic_load(&layout->claimed);
    struct neap_stream again = {0};
    const char *wrong = NULL;
    if (neap__ring_adopt(&again, stream->layout,
                         neap__ring_bytes(stream->block_bytes, stream->block_count)) != NEAP_OK ||
        again.ring_bytes != stream->ring_bytes || again.ring != stream->ring)
        wrong = "the layout has other sizes than the stream";
    else if ((uintptr_t)layout % NEAP_STREAM_LINE_BYTES != 0)
        wrong = "the layout is not on a line of its own";
    else if (written > claimed)
        wrong = "more is written than was claimed";
    else if (atomic_load(&layout->state) > NEAP_STREAM_CLOSED)
        wrong = "the state is unknown";
    else if (neap_stream_writes(stream) && (stream->written != written || stream->claimed != claimed))
        wrong = "the writer's numbers are not the published ones";
    else if (neap_stream_writes(stream) && stream->place != written % stream->ring_bytes)
        wrong = "the writer's place is not where its offset is";
    else if (neap_stream_writes(stream) && claimed - written > stream->ring_bytes)
        wrong = "more is claimed than the ring holds";
    if (wrong)
        *why = wrong;
    return !wrong;
}
