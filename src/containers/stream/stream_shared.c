/* containers/stream/stream_shared.c: streams in named memory, which one process writes and others read.
 *
 * A writer that follows a dead one has nothing to repair. Incomplete bytes of the dead writer lie
 * between `written` and `claimed`. No reader delivers them, and the new writer overwrites them. Only if
 * it claimed more than the ring holds, it has lost all of it: then the new writer begins behind the claim,
 * because readers take everything before the claim less the ring for overwritten.
 */
#include <string.h>

#include "base/word.h"
#include "containers/stream/stream_ring.h"
#include "os/memory.h"

enum { TRIES = 16 }; /* another process may make or remove the name between two steps */

/* Makes the private part of a shared stream. */
static struct neap_stream *handle_new(void) {
    size_t bytes = neap_word_round_up_size(sizeof(struct neap_stream), neap_os_page_bytes());
    void *memory;
    if (neap_os_reserve(bytes, 0, &memory) != NEAP_OK)
        return NULL;
    if (neap_os_commit(memory, bytes) != NEAP_OK) {
        neap_os_release(memory, bytes);
        return NULL;
    }
    struct neap_stream *stream = memory;
    stream->chunk = stream;
    stream->chunk_bytes = bytes;
    stream->shared = true;
    stream->segment.file = -1;
    return stream;
}

static int make(struct neap_stream *stream, const char *name, size_t block_bytes, size_t block_count,
                unsigned mode) {
    size_t bytes = neap__ring_bytes(block_bytes, block_count);
    if (bytes == 0)
        return NEAP_ERROR_ARGUMENT;
    if (bytes > neap_os_memory_bytes())
        return NEAP_ERROR_MEMORY;
    int error = neap_os_segment_make(&stream->segment, name, bytes, mode);
    if (error != NEAP_OK)
        return error;
    struct neap_stream_layout *layout = stream->segment.address;
    neap__ring_format(layout, block_bytes, block_count);
    error = neap__ring_adopt(stream, layout, stream->segment.bytes);
    if (error == NEAP_OK)
        error = neap_os_segment_publish(&stream->segment);
    if (error != NEAP_OK)
        neap_os_segment_close(&stream->segment);
    return error;
}

/* Whether the stream of a dead writer can be continued. */
static bool goes_on(const struct neap_stream *stream, size_t block_bytes, size_t block_count) {
    const struct neap_stream_layout *layout = stream->layout;
    uint64_t written = atomic_load(&layout->written), claimed = atomic_load(&layout->claimed);
    return stream->block_bytes == block_bytes && stream->block_count == block_count &&
           atomic_load(&layout->state) == NEAP_STREAM_LIVE && claimed >= written && claimed <= UINT64_MAX / 2;
}

/* The claim first: whoever sees the new end finds that what lies before it is lost. */
static void begin_behind_claim(struct neap_stream *stream) {
    stream->written = stream->claimed;
    stream->claimed += stream->ring_bytes;
    atomic_store(&stream->layout->claimed, stream->claimed);
    atomic_store(&stream->layout->written, stream->written);
}

/* Continues the stream of that name. If that is not possible, removes it and returns NEAP_ERROR_ABSENT. */
static int follow(struct neap_stream *stream, const char *name, size_t block_bytes, size_t block_count) {
    int error = neap_os_segment_take(&stream->segment, name);
    if (error != NEAP_OK)
        return error;
    error = neap__ring_adopt(stream, stream->segment.address, stream->segment.bytes);
    if (error == NEAP_OK && neap__ring_is_cut(stream))
        error = NEAP_ERROR_FORMAT;
    if (error == NEAP_OK && !goes_on(stream, block_bytes, block_count)) {
        neap_os_segment_unname(&stream->segment);
        error = NEAP_ERROR_ABSENT;
    }
    if (error != NEAP_OK) {
        neap_os_segment_close(&stream->segment);
        return error;
    }
    stream->written = atomic_load(&stream->layout->written);
    stream->claimed = atomic_load(&stream->layout->claimed);
    if (stream->claimed - stream->written > stream->ring_bytes)
        begin_behind_claim(stream);
    stream->place = (size_t)(stream->written % stream->ring_bytes);
    return NEAP_OK;
}

int neap_stream_share(const char *name, size_t block_bytes, size_t block_count, unsigned mode,
                      neap_stream_t **stream) {
    if (neap__ring_bytes(block_bytes, block_count) == 0)
        return NEAP_ERROR_ARGUMENT;
    struct neap_stream *made = handle_new();
    if (!made)
        return NEAP_ERROR_MEMORY;
    int error = NEAP_ERROR_BUSY;
    for (int i = 0; i < TRIES; i++) {
        error = follow(made, name, block_bytes, block_count);
        if (error != NEAP_ERROR_ABSENT)
            break;
        error = make(made, name, block_bytes, block_count, mode);
        if (error != NEAP_ERROR_BUSY)
            break;
    }
    if (error == NEAP_OK)
        *stream = made;
    else
        neap_stream_destroy(made);
    return error;
}

int neap_stream_attach(const char *name, neap_stream_t **stream) {
    return neap_stream_attach_of(name, NEAP_OS_SEGMENT_OWN_OR_ROOT, stream);
}

int neap_stream_attach_of(const char *name, uint32_t owner, neap_stream_t **stream) {
    struct neap_stream *made = handle_new();
    if (!made)
        return NEAP_ERROR_MEMORY;
    int error = neap_os_segment_open(&made->segment, name, owner);
    if (error == NEAP_OK)
        error = neap__ring_adopt(made, made->segment.address, made->segment.bytes);
    if (error == NEAP_OK && neap__ring_is_cut(made))
        error = NEAP_ERROR_FORMAT;
    if (error == NEAP_OK)
        *stream = made;
    else
        neap_stream_destroy(made);
    return error;
}

int neap_stream_unlink(const char *name) {
    struct neap_os_segment segment;
    int error = neap_os_segment_take(&segment, name);
    if (error == NEAP_OK) {
        neap_os_segment_unname(&segment);
        neap_os_segment_close(&segment);
    }
    return error;
}
